"""Writers: an application at work on the shop while its keys are migrated, and what it suffers.

writers = Writers(dsn, count=8)
writers.start()
...
report = writers.stop()
assert not report.errors
assert not writers.verify(connection)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from uuidmig.demo.desk import Desk
from uuidmig.demo.model import Change, Model, differences, happened
from uuidmig.demo.operations import run_operation
from uuidmig.demo.session import Latency, LostRow, TimedSession

RECONNECT_SECONDS = 0.1
"""How long a writer waits after a failure before it tries again."""


@dataclass(frozen=True, slots=True)
class WriterError:
    """A transaction that failed. `at` in seconds since 1970; `sqlstate` None: not the server's."""

    at: float
    writer: int
    sqlstate: str | None
    message: str


@dataclass(frozen=True, slots=True)
class WriterReport:
    """What all writers did. `committed` are the times (since 1970) of the commits."""

    committed: tuple[float, ...]
    errors: tuple[WriterError, ...]
    latencies: tuple[Latency, ...]

    @property
    def transactions(self) -> int:
        return len(self.committed)

    def percentile(self, share: float) -> float | None:
        """Return the milliseconds within which that share (0 to 1) of the statements was done.

        None when there were none.
        """
        if not self.latencies:
            return None
        ordered = sorted(latency.seconds for latency in self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def p50(self) -> float | None:
        return self.percentile(0.50)

    @property
    def p99(self) -> float | None:
        return self.percentile(0.99)

    @property
    def longest_stall_ms(self) -> float | None:
        """The slowest statement; None when there were none."""
        return self.percentile(1)

    def during(self, start: float, end: float) -> WriterReport:
        """Return what fell into that span of time (seconds since 1970), even in part."""
        return WriterReport(
            tuple(at for at in self.committed if start <= at <= end),
            tuple(error for error in self.errors if start <= error.at <= end),
            tuple(one for one in self.latencies if one.started <= end and one.ended >= start),
        )


class _Writer:
    """One writer: its connection, its rows, its random numbers. Used by one thread at a time."""

    def __init__(
        self, dsn: str, number: int, prefix: str, interval: float, tags: dict[str, UUID]
    ) -> None:
        self.number = number
        self.interval = interval
        self.latencies: list[Latency] = []
        self.committed: list[float] = []
        self.errors: list[WriterError] = []
        self.model = Model()
        self.session = TimedSession(dsn, self.latencies)
        label_prefix = f"{prefix}{number}-"
        self.desk = Desk(self.session, self.model, Random(label_prefix), label_prefix, tags)
        self.unsettled: Sequence[Change] = ()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, at the given pace; a failure never ends it."""
        due = time.monotonic()
        while not stop.is_set():
            if not self.work():
                stop.wait(RECONNECT_SECONDS)
            due = max(due + self.interval, time.monotonic())
            stop.wait(due - time.monotonic())
        self.session.close()

    def work(self) -> bool:
        """Run one transaction; False when it failed, which is on record then."""
        try:
            if self.unsettled:
                self.settle(self.session.open())
            changes = run_operation(self.desk)
            self.unsettled = changes
            self.session.commit()
        except (psycopg.Error, LostRow) as error:
            self._fail(error)
            return False
        self._committed(changes)
        return True

    def settle(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Find out what became of a transaction whose commit got no answer."""
        if self.unsettled and happened(connection, self.unsettled):
            self._committed(self.unsettled)
        self.unsettled = ()

    def _committed(self, changes: Sequence[Change]) -> None:
        self.model.apply(changes)
        self.unsettled = ()
        self.committed.append(time.time())

    def _fail(self, error: Exception) -> None:
        sqlstate = error.sqlstate if isinstance(error, psycopg.Error) else None
        self.errors.append(WriterError(time.time(), self.number, sqlstate, str(error)))
        try:
            self.session.rollback()
        except psycopg.Error:
            self.session.close()


class Writers:
    """`count` threads that write to the shop, each to rows that only it made.

    `rate` is transactions a second by all of them together, None as many as they can. `seed` makes
    what they do repeatable and marks their rows, so that writers of other seeds can work beside
    them. They may be started again after `stop`, and go on with what they remember.
    """

    def __init__(
        self, dsn: str, count: int = 8, *, rate: float | None = 200.0, seed: int = 1
    ) -> None:
        self._dsn = dsn
        self._prefix = f"w{seed}-"
        self._tags: dict[str, UUID] = {}
        interval = count / rate if rate else 0.0
        self._writers = [
            _Writer(dsn, number, self._prefix, interval, self._tags)
            for number in range(1, count + 1)
        ]
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    def start(self) -> None:
        """Start the threads. At the first start the keys of the shop's tags are read."""
        if not self._tags:
            self._tags.update(self._read_tags())
        self._stop.clear()
        self._threads = [
            threading.Thread(
                target=writer.run,
                args=(self._stop,),
                name=f"writer-{writer.number}",
                daemon=True,  # whoever forgets `stop` must still be able to exit
            )
            for writer in self._writers
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> WriterReport:
        """Let each finish its transaction, and return what they did since they were made."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        return self.report()

    def report(self) -> WriterReport:
        """Return what they did so far; they may be at work meanwhile."""
        return WriterReport(
            tuple(sorted(at for writer in self._writers for at in tuple(writer.committed))),
            tuple(error for writer in self._writers for error in tuple(writer.errors)),
            tuple(latency for writer in self._writers for latency in tuple(writer.latencies)),
        )

    def verify(self, connection: psycopg.Connection[TupleRow]) -> list[str]:
        """Return one line for each row that is not as its writer left it; empty when all are.

        Call it when they are stopped. Rows are compared by label, references by the label of the
        row they name: keys may have changed.
        """
        for writer in self._writers:
            writer.settle(connection)
        return differences(connection, [writer.model for writer in self._writers], self._prefix)

    def _read_tags(self) -> dict[str, UUID]:
        with psycopg.connect(self._dsn) as connection:
            return dict(connection.execute("SELECT name, id FROM shop.tags").fetchall())
