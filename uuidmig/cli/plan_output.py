"""Make the plan and print it in one of its forms: for `plan`, and for `migrate --dry-run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from uuidmig.cli.session import Session
from uuidmig.cli.talk import show, write
from uuidmig.errors import ConfigurationError, PreflightRefused

if TYPE_CHECKING:
    from uuidmig.planner.canary import CanarySample
    from uuidmig.planner.model import Plan


@dataclass(frozen=True, slots=True)
class RevisionPlace:
    """Where revisions go: into `directory`, or into the environment of `config` after `head`."""

    directory: Path | None
    config: str | None
    head: str | None


def print_plan(
    run: Session,
    form: str,
    revisions: RevisionPlace | None = None,
    *,
    soft_references: bool = False,
    canary: bool = False,
) -> None:
    """Print the plan as "table", "json" or "sql"; typer.Exit(3) when there are refusals.

    With refusals no revisions are written: nobody is to run them. `canary` measures first.
    """
    from uuidmig import engine
    from uuidmig.planner.canary import measured_plan
    from uuidmig.planner.document import plan_hash
    from uuidmig.report.document import document
    from uuidmig.report.plan_document import plan_document
    from uuidmig.report.plan_script import between_script, plan_script
    from uuidmig.report.plan_table import plan_table
    from uuidmig.report.soft_references import sampled_document, sampled_table
    from uuidmig.steps.all_steps import (
        finish_steps,
        plan_steps,
        steps_between,
        steps_through_cutover,
    )

    plan = engine.make_plan(run.dsn, run.plan_options)
    report = engine.sample_soft_references(run.dsn, plan) if soft_references else None
    if report is not None:
        plan = engine.with_soft_report(plan, report)
    steps, digest = plan_steps(plan), plan_hash(plan)
    samples = _canary(run, plan) if canary else ()
    shown = measured_plan(plan, samples) if samples else plan
    match form:
        case "json":
            shown_document = plan_document(shown, steps, digest, samples)
            write(document(shown_document | sampled_document(report)))
        case "sql" if revisions is not None:  # these hold the rest
            timeout = run.settings.lock_timeout
            write(between_script(plan, steps_between(plan), digest, lock_timeout_ms=timeout))
        case "sql":
            timeout = run.settings.lock_timeout
            parts = steps_through_cutover(plan), finish_steps(plan)
            write(plan_script(plan, *parts, digest, lock_timeout_ms=timeout))
        case _:
            show(plan_table(shown, steps, digest, samples))
            if report is not None:
                show(sampled_table(report))
    if plan.refusals:
        run.talk.complain(f"refused: {_count(len(plan.refusals))} against the migration")
        raise typer.Exit(PreflightRefused.exit_code)
    if revisions is not None:
        _write_revisions(run, plan, revisions)


def _canary(run: Session, plan: Plan) -> tuple[CanarySample, ...]:
    from uuidmig.engine.canary import run_canary
    from uuidmig.report.units import counted

    if plan.refusals:
        run.talk.complain("no canary: a plan that is refused copies nothing")
        return ()
    tables = counted(len(plan.tables), "table")
    run.talk.say(f"canary: copies a few chunks of {tables} into temporary tables of its own")
    return run_canary(run.dsn, plan)


def _write_revisions(run: Session, plan: Plan, place: RevisionPlace) -> None:
    try:
        written = _written(run, plan, place)
    except OSError as error:
        raise ConfigurationError(f"--revisions: {error}") from error
    for path in written:
        run.talk.say(f"written: {path}")


def _written(run: Session, plan: Plan, place: RevisionPlace) -> tuple[Path, ...]:
    if place.config is not None:
        from uuidmig.alembic_.write_users import Place, write_users_revisions

        where = Place(place.head, place.directory)
        return write_users_revisions(plan, place.config, run.dsn, where)
    from uuidmig.alembic_.render import write_revisions

    assert place.directory is not None  # `plan` has looked
    place.directory.mkdir(parents=True, exist_ok=True)
    return write_revisions(plan, place.directory)


def _count(refusals: int) -> str:
    return "1 thing stands" if refusals == 1 else f"{refusals} things stand"
