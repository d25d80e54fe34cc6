"""The way of a migration through its states: each function takes it on, or back, from anywhere.

The state in the journal decides what comes next, so a run that was killed at any moment goes on
with the step that had not committed.
"""

from __future__ import annotations

import time

import psycopg

from uuidmig import __version__
from uuidmig.engine import catchup, journal, measuring, revisions
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.context import Context, context_of, step, tell_stall, tell_subscribers
from uuidmig.engine.coordinator import coordinate
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.options import MigrationReport, RunOptions
from uuidmig.engine.planning import make_plan
from uuidmig.engine.progress import Observer, StepFinished, StepStarted, silent
from uuidmig.engine.readiness import ready_run
from uuidmig.engine.stages import advance, prepare, validate, verify_rows
from uuidmig.engine.validation import validate_keys
from uuidmig.engine.waits import Waits
from uuidmig.errors import SchemaDrift
from uuidmig.planner.model import PlanOptions
from uuidmig.steps import subscribers

_DEFAULTS = RunOptions()


def migrate(
    dsn: str,
    plan_options: PlanOptions | None = None,
    run_options: RunOptions = _DEFAULTS,
    observer: Observer = silent,
) -> MigrationReport:
    """Run or resume the migration; with cutover "manual" stop in state "verified".

    Raises PreflightRefused, PlanMismatch, AlreadyRunning, LockNotObtained, VerificationFailed,
    MappingCollision, Interrupted; the journal keeps the state, running it again resumes.
    """
    chosen = plan_options or PlanOptions()
    started = time.monotonic()
    observer = Waits.around(observer)
    with coordinate(dsn) as connection:
        run = journal.find_run(connection)
        if run is not None and run.state == "rolled_back":
            _abort(context_of(dsn, connection, run_options, observer))
            run = None
        if run is None:
            _begin(dsn, connection, chosen, run_options, observer)
            run = journal.read_run(connection)
        journal.require_version(run, __version__)
        journal.require_same(run, chosen)
        context = context_of(dsn, connection, run_options, observer)
        if run_options.measure:
            measuring.fill_in(dsn, connection, context.plan, observer)
        advance(context, until=_goal(context))
        measuring.complete(dsn, connection, context.plan, observer)
        return _report(context, time.monotonic() - started)


def _begin(
    dsn: str,
    connection: Connection,
    chosen: PlanOptions,
    options: RunOptions,
    observer: Observer,
) -> None:
    plan = make_plan(dsn, chosen)
    if options.measure and not plan.refusals:
        before = measuring.take(dsn, plan, measuring.BEFORE, observer)
        plan = make_plan(dsn, chosen)  # measuring took a while, in which the schema may change
        prepare(dsn, plan, options, observer)
        measuring.keep(connection, before)
    else:
        prepare(dsn, plan, options, observer)


def _goal(context: Context) -> str:
    manual = context.options.cutover == "manual"
    if context.plan.default_only:
        return "prepared" if manual else "switched"
    return "verified" if manual else "validated"


def verify(
    dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS
) -> MigrationReport:
    """Compare both sides again, before the cutover. Raises VerificationFailed, WrongState."""
    with coordinate(dsn) as connection:
        ready_run(connection, "verify")
        context = context_of(dsn, connection, run_options, observer)
        started = time.monotonic()
        with step(context, "verify", "compare both sides, every row"):
            verify_rows(context)
        return _report(context, time.monotonic() - started)


def cutover(
    dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS
) -> MigrationReport:
    """Switch to the new tables; the run must be verified. Raises WrongState, LockNotObtained.

    With strategy default-only: change the defaults; the run must be prepared.
    """
    with coordinate(dsn) as connection:
        run = ready_run(connection, "cutover")
        context = context_of(dsn, connection, run_options, observer)
        started = time.monotonic()
        advance(context, until="switched" if run.plan.default_only else "validated")
        measuring.complete(dsn, connection, context.plan, context.observer)
        return _report(context, time.monotonic() - started)


def abort(dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS) -> None:
    """Take everything away before the cutover, or what a rollback left; no trace stays."""
    with coordinate(dsn) as connection:
        ready_run(connection, "abort")
        context = context_of(dsn, connection, run_options, observer)
        _abort(context)
        tell_subscribers(observer, subscribers.after_removal(context.plan))


def _abort(context: Context) -> None:
    context.observer.notify(StepStarted("abort", "take everything away"))
    started = time.monotonic()
    revisions.downgrade(
        context.dsn, context.environment, "prepare", context.options, context.observer
    )
    context.observer.notify(StepFinished("abort", time.monotonic() - started))
    failpoint("abort")


def rollback(
    dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS
) -> MigrationReport:
    """After the cutover: old keys back, writes made since kept. Until `finish` it can be done.
    With strategy default-only: the old defaults back.

    Changes are replayed into the old tables while the application works; only the last few of
    them under the locks. Raises WrongState, LockNotObtained; nothing is switched then.
    """
    with coordinate(dsn) as connection:
        run = ready_run(connection, "rollback")
        context = context_of(dsn, connection, run_options, observer)
        started = time.monotonic()
        if run.state == "switched":
            _put_defaults_back(context)
        elif run.state != "rolled_back":
            _roll_back(context)
        validate_keys(context.dsn, context.plan, context.options, context.observer)
        return _report(context, time.monotonic() - started)


def _roll_back(context: Context) -> None:
    with connect(context.dsn, "drain") as drainer:

        def catch_up() -> None:
            try:
                catchup.drain_until_short(drainer, context.observer, "drain_back")
            except psycopg.errors.ObjectInUse as error:
                told = (error.diag.message_primary, error.diag.message_hint)
                raise SchemaDrift("\n".join(filter(None, told))) from error

        with step(context, "replay-back", "replay changes into the old tables"):
            catch_up()
        failpoint("before-rollback")
        with step(context, "rollback", "put the old tables back"):
            revisions.downgrade(
                context.dsn,
                context.environment,
                "cutover",
                context.options,
                context.observer,
                on_failure=catch_up,
            )
    tell_stall(context, "rollback")
    tell_subscribers(context.observer, subscribers.after_rollback(context.plan))
    failpoint("rollback")


def _put_defaults_back(context: Context) -> None:
    failpoint("before-rollback")
    with step(context, "rollback", "put the old defaults back"):
        revisions.downgrade(
            context.dsn, context.environment, "cutover", context.options, context.observer
        )
    tell_stall(context, "rollback")
    failpoint("rollback")


def finish(dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS) -> None:
    """Drop the retired tables and all objects of the tool. There is no way back after it."""
    with coordinate(dsn) as connection:
        run = ready_run(connection, "finish")
        context = context_of(dsn, connection, run_options, observer)
        if run.state == "cutover":
            validate(context)
        failpoint("before-finish")
        tables = "" if run.plan.default_only else "the old tables and "
        observer.notify(StepStarted("finish", f"drop {tables}the tool's objects"))
        started = time.monotonic()
        revisions.upgrade(dsn, context.environment, "finish", run_options, observer)
        observer.notify(StepFinished("finish", time.monotonic() - started))
        tell_subscribers(observer, subscribers.after_removal(context.plan))
        failpoint("finish")


def pause(dsn: str, reason: str | None = None) -> None:
    """Let the running migration rest after the batches under way, until `resume`."""
    with connect(dsn, "pause") as connection:
        journal.read_run(connection)
        journal.set_paused(connection, True, reason)


def resume(dsn: str) -> None:
    """Let a paused migration go on."""
    with connect(dsn, "resume") as connection:
        journal.read_run(connection)
        journal.set_paused(connection, False, None)


def _report(context: Context, seconds: float) -> MigrationReport:
    rows = context.connection.execute(
        "SELECT c.schema_name || '.' || c.table_name, coalesce(sum(k.rows), 0)::bigint"
        " FROM uuidmig.closure_table c LEFT JOIN uuidmig.chunk k ON k.table_number = c.number"
        " GROUP BY c.number ORDER BY c.number"
    ).fetchall()
    tables = tuple((name, int(count)) for name, count in rows)
    return MigrationReport(
        state=journal.state(context.connection),
        rows=sum(count for _, count in tables),
        seconds=seconds,
        tables=tables,
        stalls=journal.stalls(context.connection),
        switched=tuple(str(switch.column) for switch in context.plan.switches),
    )
