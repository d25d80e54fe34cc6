"""How much a worker claims at once when batches are adaptive."""

from __future__ import annotations

from dataclasses import dataclass, replace

from uuidmig.planner.model import ClosureTable
from uuidmig.planner.partitions import members

GRANULE_ROWS = 10_000  # a chunk, when the batch is adaptive

_SHORT_SECONDS = 1.0  # a statement, when the batch is adaptive
_LONGEST_SECONDS = 20.0
_MOST_CHUNKS_A_CLAIM = 1024
_ROWS_A_HASHED_PARENT = 1.6
_LEAST_CHUNKS_AT_THE_END = 32
_STRIPES_A_CLAIM = 64  # the planner looks at each of them


@dataclass(frozen=True, slots=True)
class Pace:
    """How many chunks to claim at once; the table of the claim before and its rows a second."""

    width: int = 160
    table_number: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Width:
    """How many chunks to claim at most: of every `turns` stripes one. A stripe is some adjacent
    chunks."""

    chunks: int
    stripe: int = 1
    turns: int = 1


def in_turns(chunks: int, heap_chunks: int, workers: int) -> Width:
    """Return the width of a claim of about so many chunks of a heap, in stripes.

    Workers that copy at about the same speed so leave the rows in about their order, where one run
    of pages each would mingle the rows of one half of the table with those of the other.
    """
    stripes = _STRIPES_A_CLAIM * workers
    stripe = -(-min(heap_chunks, _MOST_CHUNKS_A_CLAIM * workers) // stripes)
    return Width(stripe * -(-chunks // stripe), stripe, workers)


def next_pace(pace: Pace, table_number: int, rows: int, seconds: float) -> Pace:
    """Return the pace after a claim of `rows` took `seconds`.

    The server hashes the parents once a statement, so wider claims copy faster, up to a point:
    they widen while that makes them faster, and narrow when they take too long to interrupt.
    """
    rate = rows / max(seconds, 1e-6)
    before = pace.rate if table_number == pace.table_number else 0.0
    width = pace.width
    if seconds > _LONGEST_SECONDS:
        width = max(width // 2, 1)
    elif seconds < _SHORT_SECONDS or (seconds < _LONGEST_SECONDS / 2 and rate > 1.05 * before):
        width = min(width * 2, _MOST_CHUNKS_A_CLAIM)
    return Pace(width, table_number, rate)


def at_start(pace: Pace, table_number: int, parent_rows: float) -> Pace:
    """Return the pace for a claim of the table; the first is wide enough to be worth the hash."""
    if pace.table_number == table_number:
        return pace
    worth = round(_ROWS_A_HASHED_PARENT * parent_rows / GRANULE_ROWS)
    return replace(pace, width=max(pace.width, min(worth, _MOST_CHUNKS_A_CLAIM)))


def share(pace: Pace, chunk_count: int, left: int, workers: int) -> int:
    """Return how many chunks of a table to claim; `left` are those that nobody has in hand yet.

    Where one claim a worker does the whole table, each takes its part. Else no worker takes so much
    that the others idle at the end, nor so little that it is not worth hashing the parents for it.
    """
    part = -(-chunk_count // workers)
    if part <= pace.width:
        return part
    return min(pace.width, max(left // workers, _LEAST_CHUNKS_AT_THE_END))


def keeps_neighbours(table: ClosureTable) -> bool:
    """Return whether rows that lie together must go on doing so: a BRIN index lives on that.

    The claims of two workers get every other page of the shadow, so claims must be small.
    """
    return any(
        index.method == "brin" for member in members(table) for index in member.table.indexes
    )
