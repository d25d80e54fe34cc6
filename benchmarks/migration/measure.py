"""One method, once, on a copy of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg

from benchmarks.migration.data import Dataset, Outcome, WrongOutcome, outcome
from benchmarks.migration.disk import DiskPeak
from benchmarks.migration.methods import Method
from benchmarks.migration.scripts import Connection, value
from benchmarks.migration.server import BenchServer

_COPY = "bench_copy"


@dataclass(frozen=True, slots=True)
class Run:
    """What a method took. `size_bytes` are the resulting tables with their indexes; disk is the
    whole database with temporary files, without WAL; memory that of the client, None for SQL."""

    method: str
    scale: float
    rows: int
    seconds: float
    wal_bytes: int
    size_bytes: int
    disk_before_bytes: int
    disk_peak_bytes: int
    client_memory_bytes: int | None
    steps: Mapping[str, float]


Then = Callable[[Dataset, Method, str], None]
"""What is done with the result, off the clock: data, method and the owner's connection string."""


def no_more(data: Dataset, method: Method, dsn: str) -> None:
    """Leave the result as it is."""


def measure(server: BenchServer, data: Dataset, method: Method, then: Then = no_more) -> Run:
    """Run the method on a fresh copy of the data, then `then` on its result.

    Raises WrongOutcome, and what the method does.
    """
    with server.database(_COPY, template=data.database) as dsn, server.admin() as admin:
        method.prepare(dsn)
        with server.admin() as watcher, DiskPeak(watcher, _COPY) as disk:
            before, started = _wal_position(admin), time.monotonic()
            work = method.run(dsn)
            seconds = time.monotonic() - started
            wal = _wal_since(admin, before)
        method.tidy(dsn)
        size = _examine(dsn, data, method)
        then(data, method, dsn)
    return Run(
        method=method.name,
        scale=data.scale,
        rows=data.rows,
        seconds=round(seconds, 3),
        wal_bytes=wal,
        size_bytes=size,
        disk_before_bytes=disk.before,
        disk_peak_bytes=disk.peak,
        client_memory_bytes=work.memory_bytes,
        steps=work.steps,
    )


def _wal_position(admin: Connection) -> str:
    return str(value(admin, "wal_position"))


def _wal_since(admin: Connection, before: str) -> int:
    return int(value(admin, "wal_since", before))


def _examine(dsn: str, data: Dataset, method: Method) -> int:
    """Return the size of the resulting tables once it is sure that they hold what they should."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [method.schema])
        _require(method, outcome(connection), data.new_keys if method.maps else data.old_keys)
        return int(value(connection, "live_size"))


def _require(method: Method, found: Outcome, expected: Outcome) -> None:
    if found != expected:
        raise WrongOutcome(f"{method.name} left {found}, it should have left {expected}")
