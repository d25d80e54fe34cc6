"""The canary: copy a few chunks of each table for real, into temporary tables, and take the time.

Nobody else sees or feels it but as load: it reads under ACCESS SHARE, writes to the session's
own temporary tables, and rolls everything back.
"""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg
from psycopg import sql

from uuidmig.engine.chunks import chunk_pages, page_count
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.unforced import affected, prepare_session
from uuidmig.errors import ConfigurationError, PreflightRefused
from uuidmig.planner.canary import CanarySample
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_leaves
from uuidmig.steps import canary

RANGES = 3  # of a table: its beginning, its middle and its end


def run_canary(dsn: str, plan: Plan) -> tuple[CanarySample, ...]:
    """Return what was measured of each table of a rewrite, of a partitioned one by partition: only
    those have pages of which a few can be read.

    Raises PreflightRefused for a plan that is refused, as on a replica, which takes no temporary
    tables either; ConfigurationError for one that copies nothing.
    """
    _require(plan)
    with connect(dsn, "canary") as connection:
        return tuple(_measure(connection, plan, table) for table in all_leaves(plan))


def _require(plan: Plan) -> None:
    if plan.default_only:
        raise ConfigurationError(
            "--canary measures the copy of a rewrite; strategy default-only copies nothing"
        )
    if plan.refusals:
        raise PreflightRefused(
            [
                *(f"{h.object}: {h.message}; {h.remedy}" for h in plan.refusals),
                "--canary copies no rows of a plan that is refused: leave it out",
            ]
        )


def _measure(connection: Connection, plan: Plan, table: ClosureTable) -> CanarySample:
    """Copy and index one table's sample in a transaction that leaves nothing."""
    prepare_session(connection, plan)
    with connection.transaction(force_rollback=True):
        # As the copy does it; only the WAL is missing.
        connection.execute("SET LOCAL work_mem = '192MB'")
        connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        connection.execute("SET LOCAL random_page_cost = 1.1")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        connection.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        connection.execute(canary.create_clock().query)
        connection.execute(canary.create_copy(table).query)
        ranges = sample_ranges(page_count(connection, table), table.table.rows)
        rows, seconds = 0, 0.0
        for first, last in ranges:
            started = time.monotonic()
            copy = connection.execute(canary.copy_range(plan, table, first, last).query)
            seconds += time.monotonic() - started
            rows += affected(plan, copy)
        index_seconds = _index(connection, table)
        heap_bytes, index_bytes = _sizes(connection, table)
    return CanarySample(
        table=table.name,
        rows=rows,
        whole=ranges == ((0, None),),
        seconds=seconds,
        heap_bytes=heap_bytes,
        index_seconds=index_seconds,
        index_bytes=index_bytes,
    )


def sample_ranges(pages: int, rows: float) -> tuple[tuple[int, int | None], ...]:
    """Return the heap pages to copy: chunks from the beginning, the middle and the end; all of a
    table that has no more than that."""
    size = chunk_pages(pages, rows, None)
    if pages <= RANGES * size:
        return ((0, None),)
    last = pages - size
    return tuple((first, first + size) for first in (0, last // 2, last))


def _index(connection: Connection, table: ClosureTable) -> float:
    seconds = 0.0
    for statement in canary.build_indexes(table):
        # An expression may use what is not in a copy; two keys may become one: not for us to tell.
        with suppress(psycopg.ProgrammingError, psycopg.IntegrityError), connection.transaction():
            started = time.monotonic()
            connection.execute(statement.query)
            seconds += time.monotonic() - started
    return seconds


def _sizes(connection: Connection, table: ClosureTable) -> tuple[int, int]:
    name = canary.temporary_copy(table).identifier.as_string(connection)
    row = connection.execute(
        sql.SQL("SELECT pg_table_size({name}::regclass), pg_indexes_size({name}::regclass)").format(
            name=sql.Literal(name)
        )
    ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))
