"""Which strategy the migration under way has: what a command says depends on it."""

from __future__ import annotations

from uuidmig.cli.session import Session


def is_default_only(run: Session) -> bool:
    """Tell whether the migration of this database only changes defaults. Reads the journal."""
    from uuidmig import engine
    from uuidmig.planner.model import DEFAULT_ONLY

    return engine.status(run.dsn).strategy == DEFAULT_ONLY
