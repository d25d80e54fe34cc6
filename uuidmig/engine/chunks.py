"""Chunks: ranges of heap pages, claimed by workers and recorded with the rows they copied.

A claim is the row lock of the claiming transaction: when a worker or its host dies, the server
frees the chunk, so several processes can work on one run and nothing is copied twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uuidmig.engine.connection import Connection
from uuidmig.engine.pace import GRANULE_ROWS, Width
from uuidmig.planner.model import ClosureTable
from uuidmig.steps.pages import PageRange

_GUESSED_ROWS_PER_PAGE = 50  # of a table that was never analyzed
_MOST_CHUNKS = 200_000


@dataclass(frozen=True, slots=True)
class Claim:
    """Chunks of one heap of one table, and their pages: adjacent chunks are one range."""

    table_number: int
    numbers: tuple[int, ...]
    pages: tuple[PageRange, ...]
    heap: int = 1  # counts the leaves of the table


def chunk_pages(pages: int, rows: float, batch: int | None) -> int:
    """Return how many heap pages hold about `batch` rows (None: the adaptive granule)."""
    per_page = rows / pages if pages and rows > 0 else _GUESSED_ROWS_PER_PAGE
    wanted = round((batch or GRANULE_ROWS) / max(per_page, 0.01))
    return max(1, wanted, -(-pages // _MOST_CHUNKS))


def make_chunks(connection: Connection, table: ClosureTable, heap: int, batch: int | None) -> None:
    """Cut a leaf of the source into chunks, anew; call it in a transaction that emptied its shadow.

    Capture is on: a row that is written from now on is in the log, wherever it lands.
    """
    name = table.name.identifier.as_string(connection)
    row = connection.execute(
        "SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint,"
        " CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages END,"
        " pg_relation_filenode(c.oid) FROM pg_class c WHERE c.oid = %s::regclass",
        [name],
    ).fetchone()
    if row is None:
        raise LookupError(name)
    pages, density, filenode = row
    size = chunk_pages(pages, pages * (density or _GUESSED_ROWS_PER_PAGE), batch)
    connection.execute(
        "DELETE FROM uuidmig.chunk WHERE table_number = %s AND heap = %s", [table.number, heap]
    )
    connection.execute(
        "INSERT INTO uuidmig.chunk (table_number, heap, number, first_page, last_page)"
        " SELECT %(table)s, %(heap)s, row_number() OVER (ORDER BY first), first,"
        " CASE WHEN first + %(size)s < %(pages)s THEN first + %(size)s END"
        " FROM generate_series(0, greatest(%(pages)s - 1, 0), %(size)s) AS first",
        {"table": table.number, "heap": heap, "size": size, "pages": pages},
    )
    connection.execute(
        "UPDATE uuidmig.heap SET filenode = %s WHERE table_number = %s AND number = %s",
        [filenode, table.number, heap],
    )


def page_count(connection: Connection, table: ClosureTable) -> int:
    """Return how many pages the heap of the source has now."""
    name = table.name.identifier.as_string(connection)
    row = connection.execute(
        "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::bigint", [name]
    ).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """The first free chunk; how many its heap and its table have, and how many are not done."""

    table_number: int
    heap: int
    number: int
    heap_chunks: int
    chunks: int
    remaining: int


def look_ahead(connection: Connection) -> Ahead | None:
    """Lock the first free chunk and return it with what its table has; None when none is free."""
    row = connection.execute(
        "SELECT table_number, heap, number FROM uuidmig.chunk WHERE NOT done"
        " ORDER BY table_number, heap, number LIMIT 1 FOR UPDATE SKIP LOCKED"
    ).fetchone()
    if row is None:
        return None
    counts = connection.execute(
        "SELECT count(*) FILTER (WHERE heap = %s), count(*), count(*) FILTER (WHERE NOT done)"
        " FROM uuidmig.chunk WHERE table_number = %s",
        [row[1], row[0]],
    ).fetchone()
    return Ahead(*row, *(counts or (0, 0, 0)))


def claim(connection: Connection, ahead: Ahead, width: Width) -> Claim:
    """Lock free chunks of one heap: of every `turns` stripes the one that the first free one is in,
    from there on."""
    rows = connection.execute(
        "SELECT number, first_page, last_page FROM uuidmig.chunk WHERE NOT done"
        " AND table_number = %(table)s AND heap = %(heap)s AND number >= %(number)s"
        " AND (number - 1) / %(stripe)s %% %(turns)s = (%(number)s - 1) / %(stripe)s %% %(turns)s"
        " ORDER BY number LIMIT %(most)s FOR UPDATE SKIP LOCKED",
        {
            "table": ahead.table_number,
            "heap": ahead.heap,
            "number": ahead.number,
            "stripe": width.stripe,
            "turns": width.turns,
            "most": width.chunks,
        },
    ).fetchall()
    numbers = tuple(row[0] for row in rows)
    return Claim(ahead.table_number, numbers, _ranges(rows), ahead.heap)


def _ranges(rows: Sequence[tuple[int, int, int | None]]) -> tuple[PageRange, ...]:
    ranges: list[PageRange] = []
    for _, first, last in rows:
        if ranges and ranges[-1][1] == first:
            ranges[-1] = ranges[-1][0], last
        else:
            ranges.append((first, last))
    return tuple(ranges)


def finish(connection: Connection, claimed: Claim, rows: int, seconds: float) -> None:
    """Record the claim as done, in the transaction that copied it. The rows stand with its first
    chunk: one statement copied them all."""
    connection.execute(
        "UPDATE uuidmig.chunk SET done = true, finished_at = clock_timestamp(),"
        " seconds = CASE WHEN number = %(first)s THEN %(seconds)s ELSE 0 END,"
        " rows = CASE WHEN number = %(first)s THEN %(rows)s ELSE 0 END,"
        " worker = pg_backend_pid()::text"
        " WHERE table_number = %(table)s AND heap = %(heap)s AND number = ANY(%(numbers)s)",
        {
            "first": claimed.numbers[0],
            "seconds": seconds,
            "rows": rows,
            "table": claimed.table_number,
            "heap": claimed.heap,
            "numbers": list(claimed.numbers),
        },
    )


def is_copied(connection: Connection, table_number: int) -> bool:
    """Return whether all chunks of the table are done."""
    row = connection.execute(
        "SELECT NOT EXISTS (SELECT FROM uuidmig.chunk WHERE table_number = %s AND NOT done)",
        [table_number],
    ).fetchone()
    return bool(row and row[0])


def remaining(connection: Connection) -> int:
    """Return how many chunks are not done."""
    row = connection.execute("SELECT count(*) FROM uuidmig.chunk WHERE NOT done").fetchone()
    return int(row[0]) if row else 0


def is_rewritten(connection: Connection, table_number: int, heap: int) -> bool:
    """Return whether VACUUM FULL, CLUSTER or TRUNCATE moved the rows since the chunks were cut."""
    row = connection.execute(
        "SELECT pg_relation_filenode(source) IS DISTINCT FROM filenode FROM uuidmig.heap"
        " WHERE table_number = %s AND number = %s",
        [table_number, heap],
    ).fetchone()
    return bool(row is None or row[0])
