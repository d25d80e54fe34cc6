"""One kind of key in one round: a checkpoint, then inserts by all clients, and what they took."""

from __future__ import annotations

import bisect
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from uuidmig.bench.inserts.clients import Load, run_clients
from uuidmig.bench.inserts.counters import difference, read_counters
from uuidmig.bench.inserts.explain import Buffers, explain_batch
from uuidmig.bench.inserts.feed import make_feed, statement
from uuidmig.bench.inserts.kinds import Kind
from uuidmig.bench.inserts.pages import PageHealth, read_pages
from uuidmig.bench.inserts.spec import Spec
from uuidmig.bench.inserts.tables import Names

_INTERVALS = 10
"""Into how many intervals the time line of a turn is divided, at most."""

_SHORTEST_INTERVAL = 0.25  # seconds

_LSN = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"


@dataclass(frozen=True, slots=True)
class Interval:
    """A part of a turn that ended `second` seconds after its start."""

    second: float
    rows_per_second: float
    p99_ms: float | None
    wal_bytes: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What one kind took in one round. Latencies are those of a batch, one transaction each.

    `growth` is by how much the server's counters grew: full-page images, blocks and bytes read,
    sizes. `buffers` are those of one more batch, after the clock, by EXPLAIN.
    """

    kind: str
    round: int
    position: int
    rows: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    wal_bytes: int
    index_bytes: int
    growth: Mapping[str, int | None]
    buffers: Buffers | None
    pages: PageHealth
    timeline: tuple[Interval, ...]

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds

    @property
    def wal_per_row(self) -> float:
        return self.wal_bytes / self.rows


@dataclass(slots=True)
class Bench:
    """What all turns of a run share. `loaded` are rows and bytes of the index after loading."""

    dsn: str = field(repr=False)
    connection: psycopg.Connection[Any]
    names: Names
    spec: Spec
    functions: Mapping[str, sql.Identifier]
    checkpoints: bool
    rows: int
    loaded: dict[str, int] = field(default_factory=dict)


def run_turn(bench: Bench, kind: Kind, round: int, position: int) -> Turn:
    """Insert into the table of this kind for a turn and measure it."""
    spec, connection = bench.spec, bench.connection
    command = statement(bench.names, spec, kind).as_bytes()
    feed = make_feed(connection, bench.names, spec, kind, bench.rows)
    spare = feed.spare()
    if bench.checkpoints:
        connection.execute("CHECKPOINT")
    index = bench.names.primary_key(kind)
    before = read_counters(connection, index)
    wal = _WalSamples(connection)
    load = run_clients(
        bench.dsn,
        command,
        feed,
        copy=spec.copy,
        clients=spec.clients,
        seconds=spec.seconds,
        sample=wal.sample,
    )
    after = read_counters(connection, index, ended=load.pids)
    growth = difference(before, after)
    latencies = sorted(latency for log in load.logs for latency in log.latencies)
    return Turn(
        kind=kind.name,
        round=round,
        position=position,
        rows=len(latencies) * spec.batch,
        seconds=max(log.ends[-1] for log in load.logs if log.ends) - load.started,
        p50_ms=percentile(latencies, 50) * 1000,
        p95_ms=percentile(latencies, 95) * 1000,
        p99_ms=percentile(latencies, 99) * 1000,
        max_ms=latencies[-1] * 1000,
        wal_bytes=growth["wal_bytes"] or 0,
        index_bytes=after["index_bytes"] or 0,
        growth=growth,
        buffers=None if spec.copy else explain_batch(connection, command, spare),
        pages=read_pages(connection, bench.functions, index, bench.loaded[kind.name]),
        timeline=tuple(_timeline(load, spec, wal)),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest of the ordered figures that `percent` of all do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(slots=True)
class _WalSamples:
    """Where the WAL was at which time."""

    connection: psycopg.Connection[Any]
    times: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sample()

    def sample(self) -> None:
        (row,) = self.connection.execute(_LSN).fetchall()
        self.times.append(time.perf_counter())
        self.positions.append(row[0])

    def at(self, moment: float) -> int:
        """Return the position last seen by then."""
        return self.positions[max(0, bisect.bisect_right(self.times, moment) - 1)]


def _timeline(load: Load, spec: Spec, wal: _WalSamples) -> Iterator[Interval]:
    batches = sorted(
        (end, latency)
        for log in load.logs
        for end, latency in zip(log.ends, log.latencies, strict=True)
    )
    width = max(_SHORTEST_INTERVAL, spec.seconds / _INTERVALS)
    first = 0
    for number in range(1, math.ceil((batches[-1][0] - load.started) / width) + 1):
        until = load.started + number * width
        last = bisect.bisect_right(batches, (until, math.inf))
        latencies = sorted(latency for _, latency in batches[first:last])
        yield Interval(
            second=number * width,
            rows_per_second=(last - first) * spec.batch / width,
            p99_ms=percentile(latencies, 99) * 1000 if latencies else None,
            wal_bytes=wal.at(until) - wal.at(until - width),
        )
        first = last
