"""What one new key costs: in Python by every generator there is, and on the server."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable
from typing import LiteralString

import pytest
from psycopg import sql
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.migration.scripts import Connection
from uuidmig.keys.generate import uuid7
from uuidmig.steps.journal import GENERATOR

KEYS_A_ROUND = 2000
SERVER_KEYS_A_ROUND = 20_000
ON_THE_SERVER: dict[str, LiteralString] = {
    "uuid4": "gen_random_uuid()",
    "uuid7": "uuidv7()",
    "uuid7_before_18": "uuidmig_keys.uuidv7()",
}


def _uuidmig() -> Callable[[], uuid.UUID]:
    return uuid7


def _uuid4() -> Callable[[], uuid.UUID]:
    return uuid.uuid4


def _stdlib() -> Callable[[], uuid.UUID]:
    found: Callable[[], uuid.UUID] | None = getattr(uuid, "uuid7", None)
    return found or pytest.skip("uuid.uuid7 came with Python 3.14")


def _uuid_utils() -> Callable[[], uuid.UUID]:
    try:
        module = importlib.import_module("uuid_utils.compat")
    except ImportError:
        pytest.skip("uuid-utils is not installed")
    found: Callable[[], uuid.UUID] = module.uuid7
    return found


@pytest.mark.benchmark(group="one key in Python")
@pytest.mark.parametrize(
    "find",
    [
        pytest.param(_uuid4, id="uuid4"),
        pytest.param(_uuidmig, id="uuid7-uuidmig"),
        pytest.param(_stdlib, id="uuid7-stdlib"),
        pytest.param(_uuid_utils, id="uuid7-uuid_utils"),
    ],
)
def test_key_in_python(
    benchmark: BenchmarkFixture, find: Callable[[], Callable[[], uuid.UUID]]
) -> None:
    made = benchmark.pedantic(find(), rounds=30, iterations=KEYS_A_ROUND, warmup_rounds=3)
    assert isinstance(made, uuid.UUID)


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
