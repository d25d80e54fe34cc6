"""The copy: workers claim chunks and run one INSERT … SELECT each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from psycopg import sql

from uuidmig.engine import chunks, journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.insert import ClaimedCopy, RuledOut, copy_claim, prepare_copy_session
from uuidmig.engine.options import RunOptions
from uuidmig.engine.pace import (
    Pace,
    Width,
    at_start,
    in_turns,
    keeps_neighbours,
    next_pace,
    share,
)
from uuidmig.engine.pieces import insert_in_pieces
from uuidmig.engine.progress import Backlog, Note, Observer, TableProgress, Waiting
from uuidmig.engine.throttle import Throttle, throttle
from uuidmig.engine.workers import run_workers
from uuidmig.errors import UuidmigError
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import leaves
from uuidmig.planner.rerouting import copied_together, spread_leaves
from uuidmig.steps import emptied
from uuidmig.steps.copying import roots_to_look_up

_RESTARTS = 20
_PAUSE_POLL_SECONDS = 0.5
_BACKLOG_SECONDS = 3.0
_PARENTS_WAIT_SECONDS = 1.0
_PARENTS_POLL_SECONDS = 0.01


class _Rewritten(Exception):
    """The rows of a table moved: its chunks mean nothing any more, nor do those of `heaps`,
    whose rows lie among its own in the shadows."""

    def __init__(self, table: ClosureTable, heaps: Sequence[tuple[ClosureTable, int]]) -> None:
        super().__init__(str(table.name))
        self.table = table
        self.heaps = heaps


@dataclass(slots=True)
class _Tally:
    """Rows done a table, for progress; shared by the workers."""

    observer: Observer
    totals: dict[int, int]
    names: dict[int, str]
    done: dict[int, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    begun: dict[int, float] = field(default_factory=dict)
    claimed: dict[int, tuple[int, int]] = field(default_factory=dict)  # table, chunks; by thread
    claiming: threading.Lock = field(default_factory=threading.Lock)
    ruled_out: RuledOut = field(default_factory=RuledOut)
    next_backlog: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, number: int, rows: int, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            first = self.begun.setdefault(number, now - seconds)
            self.done[number] = done = self.done.get(number, 0) + rows
        total = max(self.totals[number], done)
        rate = done / max(now - first, 1e-6)
        left = (total - done) / rate if rate and done * 100 >= total else None
        self.observer.notify(TableProgress(self.names[number], done, total, rate, left))

    def hold(self, table_number: int, count: int) -> None:
        """Note how many chunks of which table the calling worker has in hand."""
        with self._lock:
            self.claimed[threading.get_ident()] = table_number, count

    def held(self, table_number: int) -> int:
        """Return how many chunks of the table the workers of this process have in hand."""
        with self._lock:
            return sum(count for table, count in self.claimed.values() if table == table_number)

    def tell_backlog(self, connection: Connection) -> None:
        """Tell how long the change log has grown, every few seconds."""
        now = time.monotonic()
        with self._lock:
            if now < self.next_backlog:
                return
            self.next_backlog = now + _BACKLOG_SECONDS
        self.observer.notify(Backlog(journal.backlog(connection)))


def copy_all(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    """Copy what is not copied yet and set state "copied". Resumes where it stopped.

    Raises UuidmigError when a table is rewritten again and again under the copy.
    """
    tally = _tally(dsn, plan, observer)

    for _ in range(_RESTARTS):
        try:
            with throttle(dsn, observer) as brake:
                run_workers(
                    dsn,
                    options.workers,
                    "copy",
                    lambda connection, stop: _work(
                        dsn, connection, plan, options, tally, brake, stop
                    ),
                    observer,
                )
            _finish(dsn)
            return
        except _Rewritten as moved:
            observer.notify(Note(_again(moved), "warning"))
            cut(dsn, moved.heaps, options)
            tally.done = _rows_done(dsn)
            tally.claimed.clear()  # the worker that found it had its chunks in hand
    raise UuidmigError(
        "a table was rewritten again and again during the copy (VACUUM FULL, CLUSTER, TRUNCATE?);"
        " stop that job, then run the command again"
    )


def _again(moved: _Rewritten) -> str:
    others = len(moved.heaps) - 1
    with_others = f" and {others} partitions that its rows are spread over" if others else ""
    return f"{moved.table.name} was rewritten, copying it again{with_others}"


def cut_all(dsn: str, plan: Plan, options: RunOptions) -> None:
    """Cut all tables into chunks, their shadows emptied, and set state "copying"."""
    heaps = [(leaf, n) for table in plan.tables for n, leaf in enumerate(leaves(table), start=1)]
    cut(dsn, heaps, options)


def cut(dsn: str, heaps: Sequence[tuple[ClosureTable, int]], options: RunOptions) -> None:
    """Cut these leaves with their numbers into chunks, their shadows emptied."""
    with connect(dsn, "copy") as connection, connection.transaction():
        for leaf, heap in heaps:
            connection.execute(sql.SQL("TRUNCATE {}").format(leaf.shadow.identifier))
            chunks.make_chunks(connection, leaf, heap, options.batch)
        journal.set_state(connection, "copying")


def _finish(dsn: str) -> None:
    with connect(dsn, "copy") as connection, connection.transaction():
        if chunks.remaining(connection):
            raise UuidmigError("chunks are left that another process holds; run it again")
        journal.set_state(connection, "copied")


def _tally(dsn: str, plan: Plan, observer: Observer) -> _Tally:
    totals = {table.number: max(0, round(table.table.rows)) for table in plan.tables}
    names = {table.number: str(table.name) for table in plan.tables}
    tally = _Tally(observer, totals, names)
    tally.done = _rows_done(dsn)
    return tally


def _rows_done(dsn: str) -> dict[int, int]:
    with connect(dsn, "copy") as connection:
        rows = connection.execute(
            "SELECT table_number, sum(rows)::bigint FROM uuidmig.chunk WHERE done GROUP BY 1"
        ).fetchall()
    return dict(rows)


def _work(
    dsn: str,
    connection: Connection,
    plan: Plan,
    options: RunOptions,
    tally: _Tally,
    brake: Throttle,
    stop: threading.Event,
) -> None:
    prepare_copy_session(connection)
    pace = Pace()
    while not stop.is_set():
        if _paused(connection, tally.observer, stop):
            continue
        if not (options.batch or brake.busy):
            _await_parents(connection, plan, tally, stop)
        started = time.monotonic()
        number, rows = _copy_one(
            connection,
            plan,
            tally,
            partial(_most, plan, options, brake, tally, pace),
            partial(_insert, dsn, connection, plan, options, tally, brake, stop),
        )
        if number is None:
            return
        seconds = time.monotonic() - started
        tally.add(number, rows, seconds)
        tally.tell_backlog(connection)
        failpoint("batch")
        if not brake.busy:
            pace = next_pace(pace, number, rows, seconds)


def _most(
    plan: Plan,
    options: RunOptions,
    brake: Throttle,
    tally: _Tally,
    pace: Pace,
    ahead: chunks.Ahead,
) -> Width:
    table = plan.tables[ahead.table_number - 1]
    if options.batch or (keeps_neighbours(table) and options.workers > 1):
        return Width(1)
    parents = {reference.parent for reference in table.references}
    pace = at_start(pace, table.number, sum(plan.table(name).table.rows for name in parents))
    left = ahead.remaining - tally.held(ahead.table_number)
    wide = share(pace, ahead.chunks, left, options.workers)
    return brake.width(in_turns(wide, ahead.heap_chunks, options.workers))


def _insert(
    dsn: str,
    connection: Connection,
    plan: Plan,
    options: RunOptions,
    tally: _Tally,
    brake: Throttle,
    stop: threading.Event,
    table: ClosureTable,
    claimed: chunks.Claim,
) -> int:
    if brake.busy and len(claimed.numbers) == 1:
        return insert_in_pieces(connection, plan, table, claimed, options.batch, brake, stop)
    return copy_claim(
        ClaimedCopy(dsn, connection, plan, table, claimed, tally.ruled_out, tally.observer)
    )


def _paused(connection: Connection, observer: Observer, stop: threading.Event) -> bool:
    reason = journal.pause_reason(connection)
    if reason is None:
        return False
    observer.notify(Waiting("copy", reason))
    stop.wait(_PAUSE_POLL_SECONDS)
    return True


def _await_parents(
    connection: Connection, plan: Plan, tally: _Tally, stop: threading.Event
) -> None:
    """Wait a moment for workers that are about to end the copy of the next table's parents."""
    with tally.claiming:
        ahead = chunks.look_ahead(connection)  # its lock ends with the statement
    if ahead is None:
        return
    roots = roots_to_look_up(plan, plan.tables[ahead.table_number - 1]).values()
    until = time.monotonic() + _PARENTS_WAIT_SECONDS
    while any(tally.held(root.number) for root in roots) and time.monotonic() < until:
        if stop.wait(_PARENTS_POLL_SECONDS):
            return


def _copy_one(
    connection: Connection,
    plan: Plan,
    tally: _Tally,
    most: Callable[[chunks.Ahead], Width],
    insert: Callable[[ClosureTable, chunks.Claim], int],
) -> tuple[int | None, int]:
    with connection.transaction():
        with tally.claiming:  # two at once would break each other's runs of chunks
            ahead = chunks.look_ahead(connection)
            if ahead is None:
                return None, 0
            claimed = chunks.claim(connection, ahead, most(ahead))
            tally.hold(claimed.table_number, len(claimed.numbers))
        whole = plan.tables[claimed.table_number - 1]
        table = leaves(whole)[claimed.heap - 1]
        # Under this lock nobody can move the rows: the check holds until the copy has committed.
        connection.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(table.name.identifier)
        )
        if chunks.is_rewritten(connection, claimed.table_number, claimed.heap):
            if not _was_emptied(connection, whole, claimed.heap):
                raise _Rewritten(table, copied_together(whole, claimed.heap))
            insert = _nothing
        started = time.monotonic()
        rows = insert(table, claimed)
        chunks.finish(connection, claimed, rows, time.monotonic() - started)
        failpoint("copying")
    tally.hold(table.number, 0)
    return table.number, rows


def _was_emptied(connection: Connection, whole: ClosureTable, heap: int) -> bool:
    """Whether the log has all rows of a partition that was truncated, and the purge what was copied
    of it: then it need not be copied again, with all others that its rows are spread over."""
    return heap in spread_leaves(whole) and bool(
        journal.scalar(connection, emptied.is_logged(whole, heap))
    )


def _nothing(table: ClosureTable, claimed: chunks.Claim) -> int:
    return 0
