"""The one place where the demo calls the engine."""

from __future__ import annotations

from uuidmig import engine
from uuidmig.demo.schema import SCHEMA
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Observer
from uuidmig.planner.model import PlanOptions


def migrate_shop(dsn: str, observer: Observer) -> int:
    """Plan and migrate schema `shop`, cutover included; return the rows copied.

    Raises what `engine.migrate` raises.
    """
    return engine.migrate(dsn, PlanOptions(schemas=(SCHEMA,)), RunOptions(), observer).rows
