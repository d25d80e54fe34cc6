"""A batch in pieces, with a rest after each, while applications are at work.

An application's COMMIT waits until all WAL before it is flushed, that of the copy too: a batch of
10,000 rows leaves some megabytes, and every commit behind them takes as long as it takes to write
them (XLogFlush in src/backend/access/transam/xlog.c). Pieces leave little at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from uuidmig.engine import chunks
from uuidmig.engine.connection import Connection
from uuidmig.engine.throttle import Throttle
from uuidmig.engine.unforced import affected
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.copying import copy_statement

PIECE_ROWS = 1_000


def page_ranges(
    claimed: chunks.Claim, end: int, batch: int | None
) -> Iterator[tuple[int, int | None]]:
    """Cut a claim of one batch into ranges of pages that hold about PIECE_ROWS rows.

    `end` is the first page behind the claim or behind the table. A claim that is open at its end
    has a last range that is open too: pages may have come since `end` was read.
    """
    pieces = max(1, (batch or chunks.GRANULE_ROWS) // PIECE_ROWS)
    size = max(1, -(-(end - claimed.first_page) // pieces))
    first = claimed.first_page
    while first + size < end:
        yield first, first + size
        first += size
    yield first, claimed.last_page


def insert_in_pieces(
    connection: Connection,
    plan: Plan,
    table: ClosureTable,
    claimed: chunks.Claim,
    batch: int | None,
    brake: Throttle,
    stop: threading.Event,
) -> int:
    """Copy the claimed pages in the present transaction and return how many rows that were.

    Each piece has its own snapshot, like each batch: what changes in between is in the log.
    """
    rows = 0
    end = claimed.last_page or chunks.page_count(connection, table)
    for first_page, last_page in page_ranges(claimed, end, batch):
        started = time.monotonic()
        statement = copy_statement(plan, table, first_page, last_page)
        rows += affected(plan, connection.execute(statement.query))
        brake.give_way(time.monotonic() - started, stop)
    return rows
