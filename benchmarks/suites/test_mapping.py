"""What the mapping old key -> new key costs: in Python a key, on the server a table of keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.migration.scripts import Connection
from benchmarks.migration.server import BenchServer
from uuidmig.keys.mapping import borrowed_key, new_key
from uuidmig.keys.mapping_sql import borrowed_bytes, key_bytes, uuid_expression

PLAN_TIME = datetime(2026, 11, 22, tzinfo=UTC)
HORIZON = PLAN_TIME + timedelta(hours=1)
OLD = UUID("9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab")
CREATED = PLAN_TIME - timedelta(days=100, microseconds=1)

_KEY, _TIME = sql.Identifier("id"), sql.Identifier("created_at")
_PARENT = sql.SQL("uuid_send({})").format(sql.Identifier("parent"))
EXPRESSIONS: dict[str, sql.Composable] = {
    "old_key_alone": _KEY,
    "bytes_before_17": key_bytes(_KEY, _TIME, server=150000),
    "bytes_17": key_bytes(_KEY, _TIME, server=170000),
    "borrowed_bytes": borrowed_bytes(_KEY, _PARENT),
    "uuid_before_17": uuid_expression(key_bytes(_KEY, _TIME, server=150000)),
    "uuid_17": uuid_expression(key_bytes(_KEY, _TIME, server=170000)),
}

_DECLARE: LiteralString = (
    "CREATE FUNCTION uuidmig.{}() RETURNS timestamptz LANGUAGE sql IMMUTABLE RETURN {}::timestamptz"
)
_FILL: LiteralString = (
    "CREATE TABLE rows AS"
    " SELECT gen_random_uuid() AS id, uuidv7() AS parent,"
    " TIMESTAMPTZ '2024-01-01 00:00:00+00' + number * interval '1.000001 s' AS created_at"
    " FROM generate_series(1, {}) AS number"
)


@pytest.mark.benchmark(group="one key mapped in Python")
def test_new_key(benchmark: BenchmarkFixture) -> None:
    made = benchmark.pedantic(
        new_key,
        (OLD, CREATED),
        {"plan_time": PLAN_TIME, "horizon": HORIZON},
        rounds=30,
        iterations=1000,
        warmup_rounds=3,
    )
    assert made.bytes[8:] == OLD.bytes[8:]


@pytest.mark.benchmark(group="one key mapped in Python")
def test_borrowed_key(benchmark: BenchmarkFixture) -> None:
    parent = new_key(OLD, CREATED, plan_time=PLAN_TIME, horizon=HORIZON)
    made = benchmark.pedantic(
        borrowed_key,
        (OLD, parent),
        {"plan_time": PLAN_TIME},
        rounds=30,
        iterations=1000,
        warmup_rounds=3,
    )
    assert made == parent


@pytest.fixture(scope="module", params=[100_000, pytest.param(2_000_000, marks=pytest.mark.full)])
def keys(server: BenchServer, request: pytest.FixtureRequest) -> Iterator[tuple[Connection, int]]:
    """A connection to a database with a table `rows`, and how many rows that has."""
    with (
        server.database("bench_keys") as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        _prepare(connection, request.param)
        yield connection, request.param


@pytest.mark.benchmark(group="a table of keys mapped on the server")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(
    benchmark: BenchmarkFixture, keys: tuple[Connection, int], expression: str
) -> None:
    """Both ways on one server of version 18: what differs is the expression alone."""
    connection, rows = keys
    query = sql.SQL("SELECT count({}) FROM rows").format(EXPRESSIONS[expression])

    def count() -> int:
        ((mapped,),) = connection.execute(query).fetchall()
        return int(mapped)

    assert benchmark.pedantic(count, rounds=7, warmup_rounds=1) == rows


def _prepare(connection: Connection, rows: int) -> None:
    connection.execute("CREATE SCHEMA uuidmig")
    for name, time in (("plan_time", PLAN_TIME), ("horizon", HORIZON)):
        connection.execute(
            sql.SQL(_DECLARE).format(sql.Identifier(name), sql.Literal(time.isoformat()))
        )
    connection.execute(sql.SQL(_FILL).format(sql.Literal(rows)))
    connection.execute("VACUUM (FREEZE, ANALYZE) rows")
    # A worker or two more or less would be all that is seen; and compiling comes with the size.
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute("SET jit = off")
