"""What one new key costs: in Python by every generator there is, and on the server."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import LiteralString

import pytest
from psycopg import sql
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.generators.known import Generator, standard_library, uuid_utils
from benchmarks.generators.order import THREADS, check_order
from benchmarks.migration.scripts import Connection
from uuidmig.keys.generate import OwnGenerator, uuid7
from uuidmig.steps.journal import GENERATOR

KEYS_A_ROUND = 2000
KEYS_IN_ORDER = 10_000_000
SERVER_KEYS_A_ROUND = 20_000
ON_THE_SERVER: dict[str, LiteralString] = {
    "uuid4": "gen_random_uuid()",
    "uuid7": "uuidv7()",
    "uuid7_before_18": "uuidmig_keys.uuidv7()",
}


def _uuid4() -> Generator:
    return uuid.uuid4


def _uuidmig() -> Generator:
    return uuid7


def _stdlib() -> Generator:
    return standard_library() or pytest.skip("uuid.uuid7 came with Python 3.14")


def _uuid_utils() -> Generator:
    return uuid_utils() or pytest.skip("uuid-utils is not installed")


@pytest.mark.benchmark(group="one key in Python")
@pytest.mark.parametrize(
    "find",
    [
        pytest.param(_uuid4, id="uuid4"),
        pytest.param(_uuidmig, id="uuid7-uuidmig"),
        pytest.param(OwnGenerator, id="uuid7-own"),
        pytest.param(_stdlib, id="uuid7-stdlib"),
        pytest.param(_uuid_utils, id="uuid7-uuid_utils"),
    ],
)
def test_key_in_python(benchmark: BenchmarkFixture, find: Callable[[], Generator]) -> None:
    made = benchmark.pedantic(find(), rounds=30, iterations=KEYS_A_ROUND, warmup_rounds=3)
    assert isinstance(made, uuid.UUID)


@pytest.mark.full
@pytest.mark.benchmark(
    group=f"{KEYS_IN_ORDER} keys by {THREADS} threads, with a look at their order"
)
@pytest.mark.parametrize(
    "find",
    [pytest.param(_uuidmig, id="uuid7-uuidmig"), pytest.param(OwnGenerator, id="uuid7-own")],
)
def test_keys_in_order(benchmark: BenchmarkFixture, find: Callable[[], Generator]) -> None:
    seen = benchmark.pedantic(check_order, (find(), KEYS_IN_ORDER), rounds=1)
    assert (seen.behind, seen.repeated) == (0, 0)
    assert seen.keys == KEYS_IN_ORDER


@pytest.mark.benchmark(group=f"{SERVER_KEYS_A_ROUND} keys on the server")
@pytest.mark.parametrize("kind", ON_THE_SERVER)
def test_keys_on_the_server(benchmark: BenchmarkFixture, connection: Connection, kind: str) -> None:
    connection.execute("CREATE SCHEMA uuidmig_keys")
    connection.execute(GENERATOR)
    query = sql.SQL("SELECT count({}) FROM generate_series(1, {})").format(
        sql.SQL(ON_THE_SERVER[kind]), sql.Literal(SERVER_KEYS_A_ROUND)
    )

    def make() -> int:
        ((made,),) = connection.execute(query).fetchall()
        return int(made)

    assert benchmark.pedantic(make, rounds=10, warmup_rounds=1) == SERVER_KEYS_A_ROUND
