"""What the migration will cost, from catalog statistics alone.

The constants were measured on two cores, PostgreSQL 18, rows of about 150 bytes; a slow disk makes
the time longer, not the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from uuidmig.catalog.model import Table
from uuidmig.planner.model import ClosureTable, Forecast

COPY_SECONDS = 4.5e-6  # a row read, mapped, joined to its roots and written, two workers
INDEX_SECONDS = 2e-6  # a row and index: sorted and written
VERIFY_SECONDS = 2e-6  # a row hashed on both sides
WAL_FACTOR = 1.15  # WAL bytes per byte written: record headers, and page images of index builds
ROW_BYTES = 100  # of a table that was never analyzed
_RUN_SECONDS, _TABLE_SECONDS = 1.0, 0.08  # revisions and builds, without any rows

BASIS = (
    "estimated from catalog statistics, for 2 workers; disk: the new tables and indexes at their "
    "present size (sorted builds at 90 % density make key indexes smaller) and sort space for the "
    "biggest index; the change log comes on top"
)


def make_forecast(closure: Sequence[ClosureTable]) -> Forecast:
    """Return rows, bytes and seconds for all tables together."""
    tables = [table.table for table in closure]
    heap = sum(table.heap_bytes + table.toast_bytes for table in tables)
    indexes = sum(table.index_bytes for table in tables)
    biggest = max((index.bytes for table in tables for index in table.indexes), default=0)
    logged = sum(
        table.heap_bytes + table.toast_bytes + table.index_bytes
        for table in tables
        if table.persistence == "p"
    )
    return Forecast(
        rows=sum(estimated_rows(table) for table in tables),
        heap_bytes=heap,
        index_bytes=indexes,
        disk_bytes=heap + indexes + biggest,
        wal_bytes=round(logged * WAL_FACTOR),
        seconds=fixed_seconds(closure) + sum(_seconds(table) for table in tables),
        basis=BASIS,
    )


def fixed_seconds(closure: Sequence[ClosureTable]) -> float:
    """Return what a rewrite takes besides its rows."""
    return _RUN_SECONDS + _TABLE_SECONDS * len(closure)


def estimated_rows(table: Table) -> int:
    """Return the rows of the last ANALYZE, else as many as would fill the heap."""
    return round(table.rows) if table.rows >= 0 else table.heap_bytes // ROW_BYTES


def _seconds(table: Table) -> float:
    per_row = COPY_SECONDS + VERIFY_SECONDS + INDEX_SECONDS * len(table.indexes)
    return estimated_rows(table) * per_row
