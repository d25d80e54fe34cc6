"""Where a migration stands, read from the journal."""

from __future__ import annotations

import shlex
from typing import Any

from uuidmig import __version__
from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.coordinator import current_coordinator
from uuidmig.engine.environments import users_file
from uuidmig.engine.locks import reading
from uuidmig.engine.status_model import JournalEvent, Status, TableStatus
from uuidmig.planner.model import Plan

_AFTER_CUTOVER = ("cutover", "validated")
_LAST_EVENTS = 20

NEXT: dict[str | None, tuple[str, ...]] = {
    None: ("uuidmig plan", "uuidmig migrate"),
    "verified": ("uuidmig cutover", "uuidmig verify", "uuidmig abort"),
    "verify_failed": ("uuidmig abort",),
    "cutover": ("uuidmig cutover", "uuidmig rollback", "uuidmig finish"),
    "validated": ("uuidmig finish", "uuidmig rollback", "uuidmig lookup ID"),
    "switched": ("uuidmig finish", "uuidmig rollback"),
    "rolled_back": ("uuidmig abort", "uuidmig migrate"),
}
_RUN_REVISIONS = tuple(
    f"uuidmig {name}" for name in ("migrate", "cutover", "rollback", "abort", "finish")
)
_ON_THE_WAY = ("uuidmig migrate", "uuidmig abort")


def status(dsn: str) -> Status:
    """Return where the migration of this database stands; state None when there is none.

    Raises LockNotObtained where somebody holds a table of the journal, and ConnectionFailed.
    """
    with connect(dsn, "status") as connection, reading(connection, "status"):
        database = connection.info.dbname
        run = journal.find_run(connection)
        coordinator = current_coordinator(connection)
        if run is None:
            return Status(
                None, None, database, __version__, coordinator=coordinator, next_commands=NEXT[None]
            )
        return Status(
            state=run.state,
            since=run.state_changed_at,
            database=database,
            tool_version=run.tool_version,
            plan_hash=run.plan_hash,
            tables=_tables(connection, run.plan),
            backlog=_backlog(connection, run),
            strategy=run.plan.options.strategy,
            switches=run.plan.switches,
            paused=run.paused,
            pause_reason=run.pause_reason,
            coordinator=coordinator,
            events=_events(connection),
            alembic_config=(config := users_file(connection)),
            next_commands=_next_commands(run.state, config),
        )


def _next_commands(state: str, alembic_config: str | None) -> tuple[str, ...]:
    """Return what to type next; what runs a revision must know where."""
    commands = NEXT.get(state, _ON_THE_WAY)
    if alembic_config is None:
        return commands
    option = f" --alembic-config {shlex.quote(alembic_config)}"
    return tuple(c + option if c in _RUN_REVISIONS else c for c in commands)


def _backlog(connection: Connection, run: journal.Run) -> int:
    if run.plan.default_only:
        return 0  # it has no change logs
    function = "back_backlog" if run.state in _AFTER_CUTOVER else "backlog"
    return journal.backlog(connection, function)


def _tables(connection: Connection, plan: Plan) -> tuple[TableStatus, ...]:
    rows = connection.execute(
        "SELECT table_number, coalesce(sum(rows), 0)::bigint,"
        " count(*) FILTER (WHERE done), count(*)"
        " FROM uuidmig.chunk GROUP BY 1"
    ).fetchall()
    found: dict[int, tuple[Any, ...]] = {row[0]: row[1:] for row in rows}
    statuses = []
    for table in plan.tables:
        done, chunks_done, chunks = found.get(table.number, (0, 0, 0))
        total = done if chunks and chunks_done == chunks else max(done, round(table.table.rows))
        statuses.append(TableStatus(str(table.name), done, max(total, 0), chunks_done, chunks))
    return tuple(statuses)


def _events(connection: Connection) -> tuple[JournalEvent, ...]:
    rows = connection.execute(
        "SELECT at, kind, step, detail - '{samples,times}'::text[] FROM uuidmig.event"
        " ORDER BY id DESC LIMIT %s",
        [_LAST_EVENTS],
    ).fetchall()
    return tuple(JournalEvent(*row) for row in reversed(rows))
