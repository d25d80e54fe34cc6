"""Giving way: the copy goes at full speed on a quiet database and in small bites on a busy one.

What applications feel first is their COMMIT waiting behind the copy's WAL. So while others are at
work a probe commits a row of its own a few times a second and compares how long that takes with how
long it took before the copy; while it takes too long, the workers rest between their statements.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.pace import Width
from uuidmig.engine.progress import Note, Observer, Waiting
from uuidmig.engine.throttle_record import ThrottleRecord
from uuidmig.engine.wal_writer import WAKE_SECONDS, wake_wal_writer

_BUSY_COMMITS = 20.0  # a second, by others: below it nobody is there to be disturbed
_PROBE_SECONDS = 0.1
_SAMPLE_SECONDS = 1.0  # sessions report their commits to the statistics about once a second
_TOLERATED = 1.5  # times the commit latency before the copy
_LEAST_LIMIT_MS = 1.0
_MUCH = 3.0  # times the latency before the copy: few commits may take that long
_LEAST_MUCH_MS = 3.0
_MOST_REST = 8.0  # seconds of rest a second of work
_LONGEST_REST_SECONDS = 2.0
_TELL_SECONDS = 5.0


@dataclass(slots=True)
class Throttle:
    """What the workers ask between statements. Thread-safe: plain reads of single values."""

    observer: Observer
    busy: bool = False
    base_ms: float = 0.0
    rest: float = 2.0  # a careful start: it shrinks while commits stay quick
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=5))
    told: float = 0.0
    record: ThrottleRecord = field(default_factory=ThrottleRecord)

    def width(self, wide: Width) -> Width:
        """Return how many chunks a claim may have: one while others are at work."""
        return Width(1) if self.busy else wide

    def give_way(self, worked_seconds: float, stop: threading.Event) -> None:
        """Rest after a piece of work, in proportion to it, while commits are slow."""
        if self.busy and self.rest > 0:
            rest = min(worked_seconds * self.rest, _LONGEST_REST_SECONDS)
            stop.wait(rest)
            self.record.add_rest(rest)

    def adapt(self, latency_ms: float) -> None:
        """Rest more as soon as commits are slow, less when they are quick again.

        A single one that is much slower weighs as much as a hundred quick ones (at little rest):
        few of the applications' commits may meet with that, which is what a percentile counts.
        """
        self.recent.append(latency_ms)
        typical = statistics.median(self.recent)
        if typical > self.limit_ms:
            self.rest = min(self.rest * 1.5 + 0.5, _MOST_REST)
            self._tell(typical)
        elif latency_ms > max(self.base_ms * _MUCH, _LEAST_MUCH_MS):
            self.rest = min(self.rest + 1.0, _MOST_REST)
        else:
            self.rest = max(self.rest * 0.99 - 0.01, 0.0)
        self.record.add(latency_ms, self.rest)

    @property
    def limit_ms(self) -> float:
        return max(self.base_ms * _TOLERATED, _LEAST_LIMIT_MS)

    def _tell(self, typical: float) -> None:
        if not self.busy or time.monotonic() < self.told + _TELL_SECONDS:
            return
        self.told = time.monotonic()
        reason = (
            f"giving way: a commit takes {typical:.0f} ms, {self.base_ms:.1f} ms before the copy"
        )
        self.observer.notify(Waiting("copy", reason))


@contextmanager
def throttle(dsn: str, observer: Observer) -> Iterator[Throttle]:
    """Yield a throttle that watches the server while the block runs."""
    with connect(dsn, "throttle") as connection:
        state = Throttle(observer)
        # The statement is planned and the page read before anything is measured.
        _probe(connection)
        state.base_ms = statistics.median(_probe(connection) for _ in range(9))
        counter = _Commits(connection)
        if _has_company(connection):
            time.sleep(_SAMPLE_SECONDS)
            state.busy = _is_busy(connection, counter)
        observer.notify(
            Note(f"commit latency {state.base_ms:.1f} ms, {_mode(state.busy)}", "debug")
        )
        stop = threading.Event()
        watcher = threading.Thread(
            target=_watch, args=(connection, state, counter, stop), name="throttle", daemon=True
        )
        watcher.start()
        try:
            yield state
        finally:
            stop.set()
            watcher.join()
            _write(connection, state)


def _write(connection: Connection, state: Throttle) -> None:
    """Leave for the report how the copy gave way; only a help for people, never in its way."""
    with suppress(psycopg.Error):
        journal.record(
            connection,
            "throttle",
            "copy",
            base_ms=round(state.base_ms, 3),
            limit_ms=round(state.limit_ms, 3),
            rested_seconds=round(state.record.rested_seconds, 3),
            samples=state.record.rows(),
        )


def _mode(busy: bool) -> str:
    return "others are at work: small batches" if busy else "nobody else is at work: full speed"


def _watch(
    connection: Connection, state: Throttle, counter: _Commits, stop: threading.Event
) -> None:
    try:
        while not stop.wait(_PROBE_SECONDS if state.busy else WAKE_SECONDS):
            if state.busy:
                state.adapt(_probe(connection))
            else:
                wake_wal_writer(connection)
            counter.own += 1
            if counter.seconds() > _SAMPLE_SECONDS:
                state.busy = _is_busy(connection, counter)
    except psycopg.Error:
        state.busy = True  # without a word from the server the careful way is the right one


def _is_busy(connection: Connection, counter: _Commits) -> bool:
    """Our own sessions commit too, so many commits alone do not make company."""
    return counter.rate() > _BUSY_COMMITS and _has_company(connection)


def _probe(connection: Connection) -> float:
    """Commit one row and return how long that took, in milliseconds."""
    started = time.perf_counter()
    connection.execute("UPDATE uuidmig.pulse SET at = clock_timestamp()")
    return 1000 * (time.perf_counter() - started)


def _has_company(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend'"
        " AND coalesce(application_name, '') NOT LIKE 'uuidmig%'"
        # Under PGAPPNAME our own sessions bear that name.
        " AND application_name IS DISTINCT FROM current_setting('application_name'))"
    ).fetchone()
    return bool(row is None or row[0])


class _Commits:
    """Commits a second in this database since the last look, without the watcher's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._at = time.monotonic()
        self._commits = self._read()
        self.own = 0

    def seconds(self) -> float:
        return time.monotonic() - self._at

    def rate(self) -> float:
        seconds, commits = self.seconds(), self._read()
        others = commits - self._commits - self.own
        self._at, self._commits, self.own = time.monotonic(), commits, 0
        return others / max(seconds, 1e-6)

    def _read(self) -> int:
        # Our own commits are counted at once, not in a second: they are taken off again.
        self._connection.execute("SELECT pg_stat_force_next_flush()")
        row = self._connection.execute(
            "SELECT pg_stat_get_db_xact_commit(oid) FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
        return int(row[0]) if row else 0
