"""What the journal knows about a run, for its report: no names of hosts, no queries, no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from uuidmig.bench.measurement import Measurement
from uuidmig.engine import journal, measuring
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.status_model import JournalEvent

MOST_CLAIMS = 400

# What a report shows of an event; others name files of the user's (environment) or rows.
_DETAILS: Mapping[str, tuple[str, ...]] = {
    "step": ("seconds",),
    "stall": ("ms",),
    "verified": ("rows",),
    "verify_failed": (),
    "lock_retry": ("count", "times"),
    "waiting": ("count", "reason", "times"),
    "throttle": ("base_ms", "limit_ms", "rested_seconds", "samples"),
}


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """Rows of one table that the copy wrote."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class CopiedSpan:
    """Rows that the copy wrote between two moments."""

    start: datetime
    end: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class MigrationRecord:
    """One run, as its journal tells it. Events in order, times in UTC."""

    database: str
    tool_version: str
    plan_hash: str
    strategy: str
    state: str
    prepared_at: datetime
    tables: tuple[CopiedTable, ...]
    switched: tuple[str, ...]
    copied: tuple[CopiedSpan, ...]
    events: tuple[JournalEvent, ...]
    measurements: tuple[Measurement, ...]


def read_migration(dsn: str) -> MigrationRecord:
    """Return the record of the migration of this database. Reads only. Raises NoJournal."""
    with connect(dsn, "report") as connection:
        run = journal.read_run(connection)
        prepared = connection.execute("SELECT prepared_at FROM uuidmig.run").fetchone()
        return MigrationRecord(
            database=connection.info.dbname,
            tool_version=run.tool_version,
            plan_hash=run.plan_hash,
            strategy=run.plan.options.strategy,
            state=run.state,
            prepared_at=prepared[0] if prepared else run.state_changed_at,
            tables=tuple(_tables(connection)),
            switched=tuple(str(switch.column) for switch in run.plan.switches),
            copied=_copied(connection),
            events=tuple(_events(connection)),
            measurements=measuring.kept(connection),
        )


def _tables(connection: Connection) -> Iterator[CopiedTable]:
    rows = connection.execute(
        "SELECT c.schema_name || '.' || c.table_name, coalesce(sum(k.rows), 0)::bigint"
        " FROM uuidmig.closure_table c LEFT JOIN uuidmig.chunk k ON k.table_number = c.number"
        " GROUP BY c.number ORDER BY c.number"
    ).fetchall()
    return (CopiedTable(*row) for row in rows)


def _copied(connection: Connection) -> tuple[CopiedSpan, ...]:
    """Claims, those that ended close to each other as one."""
    rows = connection.execute(
        "WITH claim AS (SELECT finished_at - make_interval(secs => seconds) AS started,"
        "  finished_at, rows FROM uuidmig.chunk WHERE done AND rows > 0),"
        " span AS (SELECT min(started) AS first,"
        "  greatest(extract(epoch FROM max(finished_at) - min(started)), 0.001) AS seconds"
        "  FROM claim)"
        " SELECT min(started), max(finished_at), sum(rows)::bigint FROM claim, span"
        " GROUP BY floor(%s * extract(epoch FROM finished_at - first) / seconds)"
        " ORDER BY max(finished_at)",
        [MOST_CLAIMS],
    ).fetchall()
    return tuple(CopiedSpan(*row) for row in rows)


def _events(connection: Connection) -> Iterator[JournalEvent]:
    rows = connection.execute(
        "SELECT at, kind, step, detail FROM uuidmig.event WHERE kind = ANY(%s) ORDER BY id",
        [list(_DETAILS)],
    ).fetchall()
    for at, kind, step, detail in rows:
        yield JournalEvent(at, kind, step, _shown(kind, detail))


def _shown(kind: str, detail: Mapping[str, Any]) -> dict[str, object]:
    return {name: detail[name] for name in _DETAILS[kind] if name in detail}
