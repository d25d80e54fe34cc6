"""The stages on the way to the new keys, each from the state it starts in."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext

from uuidmig.engine import build, catchup, copy, environments, journal, revisions
from uuidmig.engine.comparison import verify_plan
from uuidmig.engine.connection import connect
from uuidmig.engine.context import Context, step, tell_stall, tell_subscribers
from uuidmig.engine.drift import changed_partitions, telling_drift
from uuidmig.engine.event_triggers import telling_event_trigger, try_temporary_tables
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Observer, StepFinished, StepStarted
from uuidmig.engine.readiness import BEFORE_CUTOVER
from uuidmig.engine.validation import validate_keys
from uuidmig.errors import PreflightRefused, SchemaDrift
from uuidmig.planner.model import Plan
from uuidmig.steps import subscribers


def prepare(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    if plan.refusals:
        raise PreflightRefused([f"{h.object}: {h.message}; {h.remedy}" for h in plan.refusals])
    if not plan.default_only:
        try_temporary_tables(dsn, plan)
    tell_subscribers(observer, subscribers.subscriber_commands(plan))
    what = "create the journal" if plan.default_only else "create shadows, change log and triggers"
    observer.notify(StepStarted("prepare", what))
    started = time.monotonic()
    environment = environments.for_new(dsn, plan, options.alembic_config)
    revisions.upgrade(dsn, environment, "prepare", options, observer)
    observer.notify(StepFinished("prepare", time.monotonic() - started))
    failpoint("prepare")


def _cut(context: Context) -> None:
    copy.cut_all(context.dsn, context.plan, context.options)


def _copy(context: Context) -> None:
    copy.copy_all(context.dsn, context.plan, context.options, context.observer)


def _build(context: Context) -> None:
    build.build(context.dsn, context.plan, context.options, context.observer)


def _catch_up(context: Context) -> None:
    catchup.catch_up(context.dsn, context.observer)


def verify_rows(context: Context) -> None:
    verify_plan(context.dsn, context.plan, context.options, context.observer)


def _cutover(context: Context) -> None:
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
    tell_stall(context, "cutover")
    tell_subscribers(context.observer, subscribers.after_cutover(context.plan))


def _switch_defaults(context: Context) -> None:
    failpoint("before-cutover")
    revisions.upgrade(
        context.dsn, context.environment, "cutover", context.options, context.observer
    )
    tell_stall(context, "cutover")


def validate(context: Context) -> None:
    validate_keys(context.dsn, context.plan, context.options, context.observer)
    journal.set_state(context.connection, "validated")


_Stage = tuple[str, str, Callable[[Context], None]]
_STAGES: dict[str, _Stage] = {
    "prepared": ("cut", "cut the tables into chunks", _cut),
    "copying": ("copy", "copy the rows", _copy),
    "copied": ("build", "build indexes and constraints", _build),
    "built": ("catch-up", "replay the change log", _catch_up),
    "caught_up": ("verify", "compare both sides, every row", verify_rows),
    "verified": ("cutover", "put the new tables in place", _cutover),
    "cutover": ("validate", "validate the foreign keys", validate),
}
_SWITCH_STAGES: dict[str, _Stage] = {
    "prepared": ("cutover", "change the defaults of the key columns", _switch_defaults),
}


def advance(context: Context, until: str) -> None:
    """Run the stages that the state asks for until it is `until`."""
    stages = _SWITCH_STAGES if context.plan.default_only else _STAGES
    while (state := journal.state(context.connection)) != until:
        if state == "verify_failed":
            journal.require(journal.read_run(context.connection), "migrate", *BEFORE_CUTOVER)
        if state in ("validated", "switched"):
            return
        name, title, stage = stages[state]
        with (
            step(context, name, title),
            telling_event_trigger(context.connection),
            # After the cutover the tables of the plan are the retired ones: they did change.
            telling_drift(context.connection) if state in BEFORE_CUTOVER else nullcontext(),
        ):
            stage(context)
        failpoint(name)
