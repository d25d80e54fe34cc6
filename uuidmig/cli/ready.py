"""Whether a command fits, before it says what will happen and asks whether to go on."""

from __future__ import annotations

from uuidmig.cli.confirm import require_answer
from uuidmig.cli.session import Session


def changes_only_defaults(run: Session, command: str, *, yes: bool) -> bool:
    """Tell whether the migration that `uuidmig COMMAND` would go on with only changes defaults.

    Raises ConfigurationError where nobody can be asked, and what `require_ready` raises.
    """
    from uuidmig import engine

    require_answer(yes=yes)
    return engine.require_ready(run.dsn, command).plan.default_only
