"""Runs plans: the only place, with `catalog`, from which SQL leaves the process.

Names are imported when they are first used: a command that needs a part of the engine neither
waits for Alembic nor has it in memory.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuidmig.engine.find_keys import KeyPair, lookup
    from uuidmig.engine.lifecycle import (
        abort,
        cutover,
        finish,
        migrate,
        pause,
        resume,
        rollback,
        verify,
    )
    from uuidmig.engine.options import MigrationReport, RunOptions
    from uuidmig.engine.planning import make_plan, with_soft_report
    from uuidmig.engine.read_status import status
    from uuidmig.engine.readiness import require_ready
    from uuidmig.engine.soft_sampling import sample_soft_references

_HOMES = {
    "find_keys": ("KeyPair", "lookup"),
    "lifecycle": (
        *("abort", "cutover", "finish", "migrate", "pause", "resume", "rollback", "verify"),
    ),
    "options": ("MigrationReport", "RunOptions"),
    "planning": ("make_plan", "with_soft_report"),
    "read_status": ("status",),
    "readiness": ("require_ready",),
    "soft_sampling": ("sample_soft_references",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "KeyPair",
    "MigrationReport",
    "RunOptions",
    "abort",
    "cutover",
    "finish",
    "lookup",
    "make_plan",
    "migrate",
    "pause",
    "require_ready",
    "resume",
    "rollback",
    "sample_soft_references",
    "status",
    "verify",
    "with_soft_report",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
