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
from uuidmig.engine.pace import GRANULE_ROWS
from uuidmig.engine.throttle import Throttle
from uuidmig.engine.unforced import affected
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.copying import copy_statement
from uuidmig.steps.pages import PageRange

PIECE_ROWS = 1_000


def page_ranges(
    first_page: int, last_page: int | None, end: int, batch: int | None
) -> Iterator[PageRange]:
    """Cut the pages of one batch into ranges that hold about PIECE_ROWS rows.

    `end` is the first page behind them or behind the table. Where they are open at their end the
    last range is open too: pages may have come since `end` was read.
    """
    pieces = max(1, (batch or GRANULE_ROWS) // PIECE_ROWS)
    size = max(1, -(-(end - first_page) // pieces))
    first = first_page
    while first + size < end:
        yield first, first + size
        first += size
    yield first, last_page


def insert_in_pieces(
    connection: Connection,
    plan: Plan,
    table: ClosureTable,
    claimed: chunks.Claim,
    batch: int | None,
    brake: Throttle,
    stop: threading.Event,
) -> int:
    """Copy the pages of a claim of one chunk in the present transaction; return the rows.

    Each piece has its own snapshot, like each batch: what changes in between is in the log.
    """
    rows = 0
    end = claimed.pages[0][1] or chunks.page_count(connection, table)
    for piece in page_ranges(*claimed.pages[0], end, batch):
        started = time.monotonic()
        statement = copy_statement(plan, table, piece)
        rows += affected(plan, connection.execute(statement.query))
        brake.give_way(time.monotonic() - started, stop)
    return rows
