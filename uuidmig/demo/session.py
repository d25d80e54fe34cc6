"""A connection of the shop's application: every statement timed, as its user would feel it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class Latency:
    """One statement: when it was sent (seconds since 1970) and how long its answer took."""

    started: float
    seconds: float

    @property
    def ended(self) -> float:
        return self.started + self.seconds


class LostRow(Exception):
    """A statement that names one row by its label touched none, or several."""


class TimedSession:
    """One connection at a time; `open` replaces a broken one. Not thread-safe."""

    def __init__(self, dsn: str, latencies: list[Latency]) -> None:
        self._dsn = dsn
        self._latencies = latencies
        self.connection: psycopg.Connection[TupleRow] | None = None

    def open(self) -> psycopg.Connection[TupleRow]:
        """Return the connection, opened anew when there is none that works."""
        if self.connection is None or self.connection.closed:
            self.connection = psycopg.connect(self._dsn, fallback_application_name="shop")
        return self.connection

    def execute(self, query: LiteralString, *values: object) -> psycopg.Cursor[TupleRow]:
        """Run one statement in the current transaction."""
        connection = self.open()
        with self._timed():
            return connection.execute(query, values)

    def change(self, query: LiteralString, *values: object) -> None:
        """Run a statement that touches exactly one row; LostRow when it does not."""
        touched = self.execute(query, *values).rowcount
        if touched != 1:
            raise LostRow(f"{touched} rows touched by: {query}")

    def one(self, query: LiteralString, *values: object) -> TupleRow:
        """Run a statement that returns exactly one row, and return it; LostRow when not."""
        rows = self.execute(query, *values).fetchall()
        if len(rows) != 1:
            raise LostRow(f"{len(rows)} rows returned by: {query}")
        return rows[0]

    def commit(self) -> None:
        connection = self.open()
        with self._timed():
            connection.commit()

    def rollback(self) -> None:
        """Give up the transaction; a broken connection did so by itself."""
        if self.connection is not None and not self.connection.closed:
            self.connection.rollback()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started, clock = time.time(), time.perf_counter()
        try:
            yield
        finally:
            self._latencies.append(Latency(started, time.perf_counter() - clock))
