"""The most a database took on disk while something ran."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from benchmarks.migration.scripts import Connection, value

POLL_SECONDS = 0.1


class DiskPeak:
    """Polls the size of a database, temporary files included, until the block ends.

    with DiskPeak(connection, "name") as disk:
        ...
    disk.before, disk.peak
    """

    def __init__(self, connection: Connection, database: str) -> None:
        """Use `connection`, a superuser's to another database, for nothing else meanwhile."""
        self._connection = connection
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="disk")
        self.before = self.peak = self._size()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, self._size())

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.peak = max(self.peak, self._size())

    def _size(self) -> int:
        return int(value(self._connection, "disk", self._database))
