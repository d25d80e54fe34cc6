"""One measurement: index health, sizes, page fill by key version, and a short insert probe."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from uuidmig.bench import page_fill
from uuidmig.bench.index_health import IndexHealth, inspect_indexes
from uuidmig.bench.insert_probe import NothingToProbe, key_column, probe_inserts
from uuidmig.bench.measurement import InsertProbe, Measurement, PageFill, TableSize
from uuidmig.bench.queries import load
from uuidmig.catalog.model import KeyCounts, RelationName, Table
from uuidmig.catalog.read import read_catalog

MOST_PROBES = 3  # the tables with the biggest indexes; each takes some seconds
MOST_PAGE_FILLS = 4


@dataclass(slots=True)
class _Notes:
    """What could not be had, each reason once."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        if line not in self.lines:
            self.lines.append(line)


def measure(
    connection: psycopg.Connection[Any],
    tables: Sequence[RelationName] | None = None,
    *,
    stage: str = "now",
) -> Measurement:
    """Return what these tables are like now; None: all that have an index on a uuid column.

    Reads every page of those indexes, and rolls back all that its probe writes. The connection is
    in autocommit mode. What a right or an extension is missing for is in `missing`.
    """
    started, at, notes = time.monotonic(), datetime.now(UTC), _Notes()
    catalog = read_catalog(connection)
    indexes = _indexes(connection, catalog.tables, tables)
    chosen = _chosen(catalog.tables, tables, indexes)
    for reason in (one.unavailable for one in indexes if one.unavailable):
        notes.add(f"density and fragmentation: {reason}")
    return Measurement(
        stage=stage,
        at=at,
        server_version=_server_version(connection),
        settings=tuple(connection.execute(load("settings")).fetchall()),
        tables=tuple(_size(table) for table in chosen),
        indexes=indexes,
        page_fill=_page_fill(connection, chosen, notes),
        probes=tuple(_probes(connection, chosen, _keys(indexes), notes)),
        missing=tuple(notes.lines),
        seconds=round(time.monotonic() - started, 3),
    )


def _indexes(
    connection: psycopg.Connection[Any],
    known: Sequence[Table],
    tables: Sequence[RelationName] | None,
) -> tuple[IndexHealth, ...]:
    """Of a partitioned table, the indexes of its partitions: those have pages."""
    if tables is None:
        return inspect_indexes(connection)
    leaves = [leaf.name for table in known if table.name in tables for leaf in table.partitions]
    return inspect_indexes(connection, [*tables, *leaves])


def _chosen(
    known: Sequence[Table],
    tables: Sequence[RelationName] | None,
    indexes: Sequence[IndexHealth],
) -> list[Table]:
    """Return the tables, the one with the biggest indexes first."""
    indexed = {index.table for index in indexes}
    found = [
        table
        for table in known
        if (
            bool(indexed & {table.name, *(leaf.name for leaf in table.partitions)})
            if tables is None
            else table.name in tables
        )
    ]
    return sorted(found, key=lambda table: (-table.index_bytes, table.name))


def _size(table: Table) -> TableSize:
    return TableSize(table.name, table.rows, table.heap_bytes, table.toast_bytes, table.index_bytes)


def _keys(indexes: Sequence[IndexHealth]) -> Mapping[tuple[RelationName, str], KeyCounts]:
    return {(one.table, one.column): one.keys for one in indexes if one.keys is not None}


def _page_fill(
    connection: psycopg.Connection[Any], tables: Sequence[Table], notes: _Notes
) -> tuple[PageFill, ...]:
    if (reason := page_fill.why_not(connection)) is not None:
        notes.add(reason)
        return ()
    wanted = [table for table in tables if key_column(table)][:MOST_PAGE_FILLS]
    found: list[PageFill] = []
    for table in wanted:
        try:
            found += page_fill.read_page_fill(connection, table.name)
        except psycopg.Error as error:
            notes.add(f"page fill of {table.name}: {_first_line(error)}")
    return tuple(found)


def _probes(
    connection: psycopg.Connection[Any],
    tables: Sequence[Table],
    keys: Mapping[tuple[RelationName, str], KeyCounts],
    notes: _Notes,
) -> Iterator[InsertProbe]:
    left, small = MOST_PROBES, []
    for table in tables:
        column = key_column(table)
        if column is None or not left:
            continue
        try:
            yield probe_inserts(connection, table, _counts(keys, table, column))
            left -= 1
        except NothingToProbe as reason:
            small.append(f"insert probe: {reason}")
        except psycopg.Error as error:
            notes.add(f"insert probe of {table.name}: {_first_line(error)}")
    if left == MOST_PROBES and small:  # beside probes of bigger tables it is of no interest
        notes.add(small[0])


def _counts(
    keys: Mapping[tuple[RelationName, str], KeyCounts], table: Table, column: str
) -> KeyCounts | None:
    """Of a partitioned table, those of its last partition with keys."""
    names = [table.name, *(leaf.name for leaf in table.partitions)]
    found = [keys[name, column] for name in names if (name, column) in keys]
    return next((one for one in reversed(found) if one.total), None)


def _server_version(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SELECT current_setting('server_version')").fetchone()
    return str(row[0]) if row else ""


def _first_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or type(error).__name__
