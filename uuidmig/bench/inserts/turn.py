"""One kind of key in one round: a checkpoint, then inserts by all clients, and what they took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from uuidmig.bench.inserts.clients import run_clients
from uuidmig.bench.inserts.counters import difference, read_counters
from uuidmig.bench.inserts.explain import Buffers, explain_batch
from uuidmig.bench.inserts.feed import make_feed, statement
from uuidmig.bench.inserts.kinds import Kind
from uuidmig.bench.inserts.pages import PageHealth, read_pages
from uuidmig.bench.inserts.spec import Spec
from uuidmig.bench.inserts.tables import Names
from uuidmig.bench.inserts.timeline import Interval, WalSamples, percentile, timeline

_LSN = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"


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
    wal = WalSamples(lambda: _wal_position(connection))
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
        timeline=tuple(timeline(load, spec, wal)),
    )


def _wal_position(connection: psycopg.Connection[Any]) -> int:
    (row,) = connection.execute(_LSN).fetchall()
    return int(row[0])
