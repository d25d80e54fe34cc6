"""What `migrate` shows before it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uuidmig.cli.session import Session
from uuidmig.errors import PreflightRefused

if TYPE_CHECKING:
    from rich.console import RenderableType

_FRESH = (None, "rolled_back")


def what_will_happen(run: Session) -> RenderableType:
    """Return the plan, or where a migration under way stands. PreflightRefused with refusals."""
    from uuidmig import engine
    from uuidmig.planner.document import plan_hash
    from uuidmig.report.plan_table import plan_table
    from uuidmig.report.status import status_table
    from uuidmig.steps.all_steps import plan_steps

    found = engine.status(run.dsn)
    if found.state not in _FRESH:
        return status_table(found)
    plan = engine.make_plan(run.dsn, run.plan_options)
    if plan.refusals:
        raise PreflightRefused(
            [f"{hazard.object}: {hazard.message} {hazard.remedy}" for hazard in plan.refusals]
        )
    return plan_table(plan, plan_steps(plan), plan_hash(plan))
