"""What a whole migration of the demo's shop costs on a quiet server, cutover included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.migration.server import BenchServer
from uuidmig import engine
from uuidmig.demo.data import load_shop
from uuidmig.demo.schema import SCHEMA, create_shop
from uuidmig.engine.options import RunOptions
from uuidmig.planner.model import PlanOptions


@pytest.fixture(
    scope="module",
    params=[500, pytest.param(100_000, marks=pytest.mark.full)],
    ids="{} orders".format,
)
def shop(server: BenchServer, request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A database to copy from, and the rows in it."""
    with server.database("bench_shop") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            create_shop(connection)
            rows = load_shop(connection, orders=request.param)
        yield "bench_shop", rows


@pytest.mark.benchmark(group="a shop migrated")
@pytest.mark.parametrize("strategy", ["rewrite", "default-only"])
def test_migrate(
    benchmark: BenchmarkFixture, server: BenchServer, shop: tuple[str, int], strategy: str
) -> None:
    template, rows = shop
    options = PlanOptions(schemas=(SCHEMA,), strategy=strategy)
    copies = ExitStack()

    def copy() -> tuple[tuple[str, PlanOptions, RunOptions], dict[str, object]]:
        dsn = copies.enter_context(server.database("bench_copy", template))
        return (dsn, options, RunOptions()), {}

    def drop(*_: object) -> None:
        copies.pop_all().close()

    with copies:
        report = benchmark.pedantic(engine.migrate, setup=copy, teardown=drop, rounds=3)
    assert report.state in ("validated", "switched")
    benchmark.extra_info["rows"] = rows
