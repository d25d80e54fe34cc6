"""Applications at work: threads that write rows of their own, and know what must be left."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

NUMBERS = (2, 3, 4)
"""Of the writers: the rows of the first begin at two million, behind all that were there."""


class NumberedWriter(threading.Thread):
    """Calls `work` with the next number, again and again. An error ends it and is kept."""

    pause_seconds = 0.005

    def __init__(self, dsn: str, number: int) -> None:
        super().__init__()
        self.dsn, self.number = dsn, number
        self.stopped = threading.Event()
        self.error: Exception | None = None
        self.transactions = 0
        self.expected: dict[int, int] = {}  # number of a row of this writer -> what it must hold

    def run(self) -> None:
        try:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                while not self.stopped.wait(self.pause_seconds):
                    self.work(connection, 1_000_000 * self.number + self.transactions)
                    self.transactions += 1
        except Exception as error:
            self.error = error

    @abstractmethod
    def work(self, connection: Connection, number: int) -> None:
        """Write the row of this number, change earlier ones, and note it in `expected`."""


@contextmanager
def at_work[Writer: NumberedWriter](threads: Sequence[Writer]) -> Iterator[Sequence[Writer]]:
    """Let the writers work while the block runs."""
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.stopped.set()
        for thread in threads:
            thread.join()


def require_no_errors(threads: Sequence[NumberedWriter]) -> dict[int, int]:
    """Return what all of them expect; they must have met no error, and have written enough."""
    assert [thread.error for thread in threads] == [None] * len(threads)
    assert min(thread.transactions for thread in threads) > 20
    return {number: value for thread in threads for number, value in thread.expected.items()}
