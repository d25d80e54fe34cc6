"""Switch a live PostgreSQL database from uuid4 keys to time-ordered uuid7 keys.

The functions of the command line, for programs:

    from uuidmig import PlanOptions, RunOptions, make_plan, migrate

    plan = make_plan("service=shop", PlanOptions(schemas=("shop",)))
    if not plan.refusals:
        migrate("service=shop", plan.options, RunOptions(cutover="manual"))

Names are imported when they are first used, so `uuidmig --help` stays quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if sys.version_info < (3, 12):  # noqa: UP036  # no installer looks at a folder that was copied
    raise ImportError(
        f"uuidmig needs Python 3.12 or later, this is {sys.version_info[0]}.{sys.version_info[1]}:"
        " use a newer one, or let uv fetch it (uv tool install uuidmig)"
    )

if TYPE_CHECKING:
    from uuidmig.engine import (
        KeyPair,
        MigrationReport,
        RunOptions,
        abort,
        cutover,
        finish,
        lookup,
        make_plan,
        migrate,
        pause,
        resume,
        rollback,
        status,
        verify,
    )
    from uuidmig.engine.progress import Observer
    from uuidmig.errors import UuidmigError
    from uuidmig.keys.generate import uuid7, uuid7_at
    from uuidmig.keys.mapping import new_key
    from uuidmig.planner.model import Plan, PlanOptions

__version__ = "0.1.0"

_HOMES = {
    "uuidmig.engine": (
        *("KeyPair", "MigrationReport", "RunOptions", "abort", "cutover", "finish", "lookup"),
        *("make_plan", "migrate", "pause", "resume", "rollback", "status", "verify"),
    ),
    "uuidmig.engine.progress": ("Observer",),
    "uuidmig.errors": ("UuidmigError",),
    "uuidmig.keys.generate": ("uuid7", "uuid7_at"),
    "uuidmig.keys.mapping": ("new_key",),
    "uuidmig.planner.model": ("Plan", "PlanOptions"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "KeyPair",
    "MigrationReport",
    "Observer",
    "Plan",
    "PlanOptions",
    "RunOptions",
    "UuidmigError",
    "__version__",
    "abort",
    "cutover",
    "finish",
    "lookup",
    "make_plan",
    "migrate",
    "new_key",
    "pause",
    "resume",
    "rollback",
    "status",
    "uuid7",
    "uuid7_at",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
