"""What a batch of inserts costs by kind of key, while everything is in the machine's memory."""

from __future__ import annotations

from typing import LiteralString

import pytest
from psycopg import sql
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.migration.scripts import Connection, value
from benchmarks.migration.server import BenchServer
from uuidmig.steps.journal import GENERATOR

BATCH = 1000
ROUNDS = 50
WARMUP = 3
KEYS: dict[str, LiteralString] = {
    "uuid4": "uuid DEFAULT gen_random_uuid()",
    "uuid7": "uuid DEFAULT uuidv7()",
    "uuid7_before_18": "uuid DEFAULT uuidmig_keys.uuidv7()",
    "bigint": "bigint GENERATED ALWAYS AS IDENTITY",
}
_TABLE: LiteralString = "CREATE TABLE rows (id {} PRIMARY KEY, note text NOT NULL)"
_INSERT: LiteralString = (
    "INSERT INTO rows (note) SELECT repeat('x', 100) FROM generate_series(1, %s::integer)"
)


@pytest.mark.benchmark(group=f"batches of {BATCH} inserts")
@pytest.mark.parametrize("preloaded", [100_000, pytest.param(2_000_000, marks=pytest.mark.full)])
@pytest.mark.parametrize("key", KEYS)
def test_insert(
    benchmark: BenchmarkFixture,
    server: BenchServer,
    connection: Connection,
    key: str,
    preloaded: int,
) -> None:
    _prepare(connection, key)
    for _ in range(preloaded // (100 * BATCH)):  # grown by inserts, as age would have left it
        connection.execute(_INSERT, [100 * BATCH])
    with server.admin() as admin:
        admin.execute("CHECKPOINT")
    start = value(connection, "wal_position")
    benchmark.pedantic(connection.execute, (_INSERT, [BATCH]), rounds=ROUNDS, warmup_rounds=WARMUP)
    written = value(connection, "wal_since", start)
    ((rows,),) = connection.execute("SELECT count(*) FROM rows").fetchall()
    inserted = rows - preloaded
    benchmark.extra_info["rows"] = BATCH
    benchmark.extra_info["wal_bytes_per_row"] = round(written / inserted, 1)
    assert inserted in (BATCH, (ROUNDS + WARMUP) * BATCH)  # one batch with --benchmark-disable


def _prepare(connection: Connection, key: str) -> None:
    connection.execute("CREATE SCHEMA uuidmig_keys")
    connection.execute(GENERATOR)
    connection.execute(sql.SQL(_TABLE).format(sql.SQL(KEYS[key])))
