"""The way of a migration through its states: each function takes it on, or back, from anywhere.

The state in the journal decides what comes next, so a run that was killed at any moment goes on
with the step that had not committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from uuidmig import __version__
from uuidmig.engine import build, catchup, copy, environments, journal, measuring, revisions
from uuidmig.engine.comparison import verify_plan
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.coordinator import coordinate
from uuidmig.engine.drift import changed_partitions, telling_drift
from uuidmig.engine.environments import Environment
from uuidmig.engine.event_triggers import telling_event_trigger, try_temporary_tables
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.options import MigrationReport, RunOptions
from uuidmig.engine.planning import make_plan
from uuidmig.engine.progress import Note, Observer, Stall, StepFinished, StepStarted, silent
from uuidmig.engine.validation import validate_keys
from uuidmig.engine.waits import Waits
from uuidmig.errors import PreflightRefused, SchemaDrift
from uuidmig.planner.model import Plan, PlanOptions
from uuidmig.steps import subscribers

BEFORE_CUTOVER = ("prepared", "copying", "copied", "built", "caught_up", "verified")
_DEFAULTS = RunOptions()


@dataclass(frozen=True, slots=True)
class _Context:
    """One coordinated run: the plan of the journal, and where its revisions run."""

    dsn: str
    connection: Connection
    plan: Plan
    environment: Environment
    options: RunOptions
    observer: Waits


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
            _abort(_context(dsn, connection, run_options, observer))
            run = None
        if run is None:
            _begin(dsn, connection, chosen, run_options, observer)
            run = journal.read_run(connection)
        journal.require_version(run, __version__)
        journal.require_same(run, chosen)
        context = _context(dsn, connection, run_options, observer)
        if run_options.measure:
            measuring.fill_in(dsn, connection, context.plan, observer)
        _advance(context, until=_goal(context))
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
        _prepare(dsn, plan, options, observer)
        measuring.keep(connection, before)
    else:
        _prepare(dsn, plan, options, observer)


def _goal(context: _Context) -> str:
    manual = context.options.cutover == "manual"
    if context.plan.default_only:
        return "prepared" if manual else "switched"
    return "verified" if manual else "validated"


def _advance(context: _Context, until: str) -> None:
    """Run the stages that the state asks for until it is `until`."""
    stages = _SWITCH_STAGES if context.plan.default_only else _STAGES
    while (state := journal.state(context.connection)) != until:
        if state == "verify_failed":
            journal.require(journal.read_run(context.connection), "migrate", *BEFORE_CUTOVER)
        if state in ("validated", "switched"):
            return
        name, title, stage = stages[state]
        with (
            _step(context, name, title),
            telling_event_trigger(context.connection),
            telling_drift(context.connection),
        ):
            stage(context)
        failpoint(name)


@contextmanager
def _step(context: _Context, name: str, title: str) -> Iterator[None]:
    context.observer.notify(StepStarted(name, title))
    started = time.monotonic()
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # it must not hide why the step failed
            if journal.exists(context.connection):
                context.observer.write(context.connection)
    seconds = time.monotonic() - started
    if journal.exists(context.connection):
        journal.record(context.connection, "step", name, seconds=round(seconds, 3))
    context.observer.notify(StepFinished(name, seconds))


def _prepare(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    if plan.refusals:
        raise PreflightRefused([f"{h.object}: {h.message}; {h.remedy}" for h in plan.refusals])
    if not plan.default_only:
        try_temporary_tables(dsn)
    _tell_subscribers(observer, subscribers.subscriber_commands(plan))
    what = "create the journal" if plan.default_only else "create shadows, change log and triggers"
    observer.notify(StepStarted("prepare", what))
    started = time.monotonic()
    environment = environments.for_new(dsn, plan, options.alembic_config)
    revisions.upgrade(dsn, environment, "prepare", options, observer)
    observer.notify(StepFinished("prepare", time.monotonic() - started))
    failpoint("prepare")


def _cut(context: _Context) -> None:
    copy.cut_all(context.dsn, context.plan, context.options)


def _copy(context: _Context) -> None:
    copy.copy_all(context.dsn, context.plan, context.options, context.observer)


def _build(context: _Context) -> None:
    build.build(context.dsn, context.plan, context.options, context.observer)


def _catch_up(context: _Context) -> None:
    catchup.catch_up(context.dsn, context.observer)


def _verify(context: _Context) -> None:
    verify_plan(context.dsn, context.plan, context.options, context.observer)


def _cutover(context: _Context) -> None:
    with connect(context.dsn, "drain") as drainer:

        def catch_up() -> None:
            catchup.drain_until_short(drainer, context.observer)

        catch_up()
        failpoint("before-cutover")
        try:
            revisions.upgrade(
                context.dsn,
                context.environment,
                "cutover",
                context.options,
                context.observer,
                on_failure=catch_up,
            )
        except SchemaDrift:
            if changed_partitions(context.connection):
                # Rows of one that came may have been replayed before it is taken away again.
                journal.set_state(context.connection, "caught_up")
            raise
    _tell_stall(context, "cutover")
    _tell_subscribers(context.observer, subscribers.attach(context.plan))


def _tell_subscribers(observer: Observer, commands: Sequence[str]) -> None:
    for command in commands:
        observer.notify(Note(command, "warning"))


def _switch_defaults(context: _Context) -> None:
    failpoint("before-cutover")
    revisions.upgrade(
        context.dsn, context.environment, "cutover", context.options, context.observer
    )
    _tell_stall(context, "cutover")


def _tell_stall(context: _Context, step: str) -> None:
    for name, milliseconds in journal.stalls(context.connection)[-1:]:
        if name == step:
            context.observer.notify(Stall(step, milliseconds))


def _validate(context: _Context) -> None:
    validate_keys(context.dsn, context.plan, context.options, context.observer)
    journal.set_state(context.connection, "validated")


_Stage = tuple[str, str, Callable[[_Context], None]]
_STAGES: dict[str, _Stage] = {
    "prepared": ("cut", "cut the tables into chunks", _cut),
    "copying": ("copy", "copy the rows", _copy),
    "copied": ("build", "build indexes and constraints", _build),
    "built": ("catch-up", "replay the change log", _catch_up),
    "caught_up": ("verify", "compare both sides, every row", _verify),
    "verified": ("cutover", "put the new tables in place", _cutover),
    "cutover": ("validate", "validate the foreign keys", _validate),
}
_SWITCH_STAGES: dict[str, _Stage] = {
    "prepared": ("cutover", "change the defaults of the key columns", _switch_defaults),
}


def verify(
    dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS
) -> MigrationReport:
    """Compare both sides again, before the cutover. Raises VerificationFailed, WrongState."""
    with coordinate(dsn) as connection:
        run = journal.read_run(connection)
        journal.require_version(run, __version__)
        journal.require(run, "verify", "built", "caught_up", "verified")
        context = _context(dsn, connection, run_options, observer)
        started = time.monotonic()
        with _step(context, "verify", "compare both sides, every row"):
            _verify(context)
        return _report(context, time.monotonic() - started)


def cutover(
    dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS
) -> MigrationReport:
    """Switch to the new tables; the run must be verified. Raises WrongState, LockNotObtained.

    With strategy default-only: change the defaults; the run must be prepared.
    """
    with coordinate(dsn) as connection:
        run = journal.read_run(connection)
        journal.require_version(run, __version__)
        ready = ("prepared", "switched") if run.plan.default_only else ("verified", "cutover")
        journal.require(run, "cutover", *ready)
        context = _context(dsn, connection, run_options, observer)
        started = time.monotonic()
        _advance(context, until="switched" if run.plan.default_only else "validated")
        measuring.complete(dsn, connection, context.plan, context.observer)
        return _report(context, time.monotonic() - started)


def abort(dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS) -> None:
    """Take everything away before the cutover, or what a rollback left; no trace stays."""
    with coordinate(dsn) as connection:
        run = journal.read_run(connection)
        journal.require(run, "abort", *BEFORE_CUTOVER, "verify_failed", "rolled_back")
        _abort(_context(dsn, connection, run_options, observer))


def _abort(context: _Context) -> None:
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
        run = journal.read_run(connection)
        journal.require_version(run, __version__)
        journal.require(run, "rollback", "cutover", "validated", "switched", "rolled_back")
        context = _context(dsn, connection, run_options, observer)
        started = time.monotonic()
        if run.state == "switched":
            _put_defaults_back(context)
        elif run.state != "rolled_back":
            _roll_back(context)
        validate_keys(context.dsn, context.plan, context.options, context.observer)
        return _report(context, time.monotonic() - started)


def _roll_back(context: _Context) -> None:
    with connect(context.dsn, "drain") as drainer:

        def catch_up() -> None:
            catchup.drain_until_short(drainer, context.observer, "drain_back")

        with _step(context, "replay-back", "replay changes into the old tables"):
            try:
                catch_up()
            except psycopg.errors.ObjectInUse as error:
                message = f"{error.diag.message_primary}\n{error.diag.message_hint}"
                raise SchemaDrift(message) from error
        failpoint("before-rollback")
        with _step(context, "rollback", "put the old tables back"):
            revisions.downgrade(
                context.dsn,
                context.environment,
                "cutover",
                context.options,
                context.observer,
                on_failure=catch_up,
            )
    _tell_stall(context, "rollback")
    again = (*subscribers.detach(context.plan), *subscribers.attach(context.plan))
    _tell_subscribers(context.observer, again)
    failpoint("rollback")


def _put_defaults_back(context: _Context) -> None:
    failpoint("before-rollback")
    with _step(context, "rollback", "put the old defaults back"):
        revisions.downgrade(
            context.dsn, context.environment, "cutover", context.options, context.observer
        )
    _tell_stall(context, "rollback")
    failpoint("rollback")


def finish(dsn: str, observer: Observer = silent, run_options: RunOptions = _DEFAULTS) -> None:
    """Drop the retired tables and all objects of the tool. There is no way back after it."""
    with coordinate(dsn) as connection:
        run = journal.read_run(connection)
        journal.require_version(run, __version__)
        journal.require(run, "finish", "cutover", "validated", "switched")
        context = _context(dsn, connection, run_options, observer)
        if run.state == "cutover":
            _validate(context)
        failpoint("before-finish")
        tables = "" if run.plan.default_only else "the old tables and "
        observer.notify(StepStarted("finish", f"drop {tables}the tool's objects"))
        started = time.monotonic()
        revisions.upgrade(dsn, context.environment, "finish", run_options, observer)
        observer.notify(StepFinished("finish", time.monotonic() - started))
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


def _context(dsn: str, connection: Connection, options: RunOptions, observer: Observer) -> _Context:
    run = journal.read_run(connection)
    environment = environments.for_present(connection, dsn, run.plan_hash, options.alembic_config)
    waits = Waits.around(observer)
    return _Context(dsn, connection, run.plan, environment, options, waits)


def _report(context: _Context, seconds: float) -> MigrationReport:
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
