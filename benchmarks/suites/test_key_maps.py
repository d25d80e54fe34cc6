"""What a key map costs to write: time, memory of the client and size, beside `COPY … | gzip`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.migration.client import ClientRun, run_command, run_program
from benchmarks.migration.server import BenchServer
from uuidmig import engine
from uuidmig.keymap.read import read_map
from uuidmig.planner.model import PlanOptions

ROUNDS = 3
MEMORY_BYTES = 60_000_000  # of the client, whatever the number of keys
FORMATS = ("csv", "csv.zst", "csv.gz", "pgcopy.zst", "parquet")
_CREATE: LiteralString = (
    "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
    " created_at timestamptz NOT NULL, note text NOT NULL)"
)
_FILL: LiteralString = (
    "INSERT INTO orders (created_at, note)"
    " SELECT TIMESTAMPTZ '2024-01-01' + number * interval '11.700001 s', 'note ' || number"
    " FROM generate_series(1, %s::integer) AS number"
)
_COPY = "COPY (SELECT table_name, old, new FROM uuidmig.id_map) TO STDOUT (FORMAT csv)"


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database after its cutover, with so many keys converted; `psql` is of its version."""

    dsn: str
    keys: int
    psql: Path


@pytest.fixture(
    scope="module",
    params=[100_000, pytest.param(4_000_000, marks=pytest.mark.full)],
    ids="{} keys".format,
)
def migrated(server: BenchServer, request: pytest.FixtureRequest) -> Iterator[Migrated]:
    with server.database("bench_key_map") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(_CREATE)
            connection.execute(_FILL, [request.param])
            connection.execute("VACUUM (FREEZE, ANALYZE) orders")
        engine.migrate(dsn, PlanOptions())
        yield Migrated(dsn, request.param, server.embedded.bin / "psql")


@pytest.mark.benchmark(group="a key map written")
@pytest.mark.parametrize("form", FORMATS)
def test_export_map(
    benchmark: BenchmarkFixture, migrated: Migrated, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"map.{form}"
    runs: list[ClientRun] = []

    def export() -> None:
        runs.append(run_command(migrated.dsn, "export-map", "--output", str(file), "--quiet"))

    benchmark.pedantic(export, rounds=ROUNDS, warmup_rounds=1)
    memory = max(run.memory_bytes for run in runs)
    _note(benchmark, migrated, file, memory)
    assert sum(1 for _ in read_map(file)) == migrated.keys
    assert memory < MEMORY_BYTES or form == "parquet"  # pyarrow alone takes more


@pytest.mark.benchmark(group="a key map written")
def test_copy_through_gzip(benchmark: BenchmarkFixture, migrated: Migrated, tmp_path: Path) -> None:
    file = tmp_path / "map.csv.gz"
    copying = shlex.join([str(migrated.psql), "-qX", "-c", _COPY, migrated.dsn])
    command = ["/bin/sh", "-c", f"{copying} | gzip > {shlex.quote(str(file))}"]
    environment = {"PATH": os.environ["PATH"]}
    benchmark.pedantic(run_program, (command, environment), rounds=ROUNDS, warmup_rounds=1)
    _note(benchmark, migrated, file, memory=None)
    assert file.stat().st_size > 20 * migrated.keys


def _note(benchmark: BenchmarkFixture, migrated: Migrated, file: Path, memory: int | None) -> None:
    benchmark.extra_info["keys"] = migrated.keys
    benchmark.extra_info["file_bytes"] = file.stat().st_size
    benchmark.extra_info["bytes_per_key"] = round(file.stat().st_size / migrated.keys, 1)
    if memory is not None:
        benchmark.extra_info["memory_bytes"] = memory
