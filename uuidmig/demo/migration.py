"""The one place where the demo calls the engine."""

from __future__ import annotations

from uuidmig.demo.schema import SCHEMA
from uuidmig.engine.progress import Observer
from uuidmig.planner.model import PlanOptions


def migrate_shop(dsn: str, observer: Observer) -> None:
    """Plan and migrate schema `shop`, cutover included. Raises what `engine.migrate` raises."""
    from uuidmig.engine import RunOptions, migrate

    migrate(dsn, PlanOptions(schemas=(SCHEMA,)), RunOptions(), observer)
