"""How to run a plan, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run. `batch` is rows a batch, None adapts it. `lock_timeout_ms` bounds all waits of
    one attempt at locks together, and `lock_attempts` is how many are made (60 take some minutes).
    `cutover` "manual" stops before it. `alembic_config` is the alembic.ini or pyproject.toml of the
    environment that holds the revisions; None: they run in one of uuidmig's own. `measure` takes
    index health and an insert probe before the first step and after the cutover."""

    batch: int | None = None
    workers: int = 2
    cutover: str = "auto"
    lock_timeout_ms: int = 500
    lock_attempts: int = 60
    alembic_config: str | None = None
    measure: bool = False


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What `migrate` did. `stalls` are (step, milliseconds): how long writers waited at most.
    `switched` are the key columns of a run that only changes defaults."""

    state: str
    rows: int
    seconds: float
    tables: tuple[tuple[str, int], ...]
    stalls: tuple[tuple[str, float], ...]
    backlog: int = 0
    switched: tuple[str, ...] = ()
