"""Where a migration stands: what `status` returns, read from the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from uuidmig.planner.model import KeySwitch


@dataclass(frozen=True, slots=True)
class TableStatus:
    """How much of one table is copied. `rows_total` is the plan's estimate, chunks are exact."""

    name: str
    rows_done: int
    rows_total: int
    chunks_done: int
    chunks_total: int


@dataclass(frozen=True, slots=True)
class Coordinator:
    """The one process that drives the migration: its host (None: unknown) and process id there."""

    host: str | None
    pid: int
    since: datetime


@dataclass(frozen=True, slots=True)
class JournalEvent:
    """One row of `uuidmig.event`."""

    at: datetime
    kind: str
    step: str | None
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `status` knows. Times in UTC.

    `state` is None when the database holds no migration; then only `database`, `tool_version`
    (of this program) and `next_commands` mean something. `backlog` counts rows in the change
    logs: those of the capture before the cutover, of the way back after it. `alembic_config` names
    the Alembic environment of the user's that runs the revisions, None: uuidmig's own.
    """

    state: str | None
    since: datetime | None
    database: str
    tool_version: str
    plan_hash: str | None = None
    tables: tuple[TableStatus, ...] = ()
    backlog: int = 0
    paused: bool = False
    pause_reason: str | None = None
    coordinator: Coordinator | None = None
    events: tuple[JournalEvent, ...] = ()
    next_commands: tuple[str, ...] = ()
    alembic_config: str | None = None
    strategy: str | None = None
    switches: tuple[KeySwitch, ...] = ()  # of strategy default-only
