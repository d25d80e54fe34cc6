"""The benchmark of the ways to new keys: its document is whole, wrong results are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.migration import data, methods
from benchmarks.migration.client import CommandFailed, run_command, run_program
from benchmarks.migration.data import Dataset, WrongOutcome
from benchmarks.migration.measure import measure
from benchmarks.migration.methods import METHODS, Method, Work
from benchmarks.migration.server import BenchServer, bench_server

ROOT = Path(__file__).parents[2]
SCALE = 0.002

pytestmark = pytest.mark.skipif(
    os.environ.get("UUIDMIG_TEST_PG", "18") != "18",
    reason="the benchmark has a server of its own, of version 18",
)


@pytest.fixture(scope="module")
def bench() -> Iterator[tuple[BenchServer, Dataset]]:
    with bench_server() as server, server.database("bench_data") as dsn:
        yield server, data.load(dsn, "bench_data", SCALE)


def run_benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.migration", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def printed() -> Any:
    done = run_benchmark("--scale", "0.02", "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_document_has_every_method_and_ratio(printed: Any) -> None:
    assert printed["schema_version"] == 1
    assert printed["settings"]["server"]["fsync"] == "on"
    assert printed["settings"]["server"]["full_page_writes"] == "on"
    (only,) = printed["rounds"]
    assert {run["method"] for run in only["runs"]} == METHODS.keys()
    assert {row["method"] for row in printed["medians"]} == METHODS.keys()
    ratios = printed["ratios"]
    for name in (
        "time_to_identity_copy",
        "wal_to_identity_copy",
        "size_to_identity_copy",
        "time_to_identity_copy_1_worker",
        "cascade_update_time_to_migrate",
        "keyset_time_to_migrate",
    ):
        assert ratios[name] > 0, name
    assert ratios["time_per_row_scale_4_to_1"] is None
    assert 20_000_000 < ratios["client_memory_bytes"] < 400_000_000


@pytest.mark.slow
def test_ratios_are_those_of_the_raw_values(printed: Any) -> None:
    runs = {run["method"]: run for run in printed["rounds"][0]["runs"]}
    migrated, copied, ratios = runs["migrate_2"], runs["identity"], printed["ratios"]
    for ratio, figure in (("time", "seconds"), ("wal", "wal_bytes"), ("size", "size_bytes")):
        expected = migrated[figure] / copied[figure]
        assert ratios[f"{ratio}_to_identity_copy"] == pytest.approx(expected, abs=1e-3)
    copy_to_valid = migrated["seconds"] - migrated["steps"]["rest"]
    expected = copy_to_valid / copied["seconds"]
    assert ratios["copy_to_valid_to_identity_copy"] == pytest.approx(expected, abs=1e-3)
    bars = {bar["figure"]: bar for bar in printed["bars"]}
    assert bars["size_to_identity_copy"]["met"] is (ratios["size_to_identity_copy"] <= 1.05)
    assert bars["p99_during_copy_to_without"]["met"] is None


@pytest.mark.slow
def test_raw_values_are_plausible(printed: Any) -> None:
    for run in printed["rounds"][0]["runs"]:
        assert run["rows"] == 80_000
        # Each method writes every row and every index of it at least once.
        assert run["wal_bytes"] > 10_000_000, run
        assert run["size_bytes"] > 9_000_000, run
        assert run["disk_peak_bytes"] > run["disk_before_bytes"] + 1_000_000, run
        assert 0 < sum(run["steps"].values()) <= run["seconds"] + 0.01, run


def test_every_sql_method_leaves_the_mapped_rows(bench: tuple[BenchServer, Dataset]) -> None:
    server, dataset = bench
    for name in ("identity", "cascade", "keyset"):
        assert measure(server, dataset, METHODS[name]).rows == 8000


def test_new_keys_are_others_than_old_ones(bench: tuple[BenchServer, Dataset]) -> None:
    old, new = bench[1].old_keys, bench[1].new_keys
    assert (old.orders, old.items, old.indexes, old.foreign_keys) == (2000, 6000, 5, 1)
    assert (old.orders_digest, old.items_digest) != (new.orders_digest, new.items_digest)


@contextmanager
def tampering(dsn: str) -> Iterator[psycopg.Connection]:
    methods.METHODS["cascade"].run(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def do_nothing(dsn: str) -> Work:
    return Work({})


def change_a_row(dsn: str) -> Work:
    with tampering(dsn) as connection:
        connection.execute(
            "UPDATE items SET quantity = 99 WHERE id = (SELECT id FROM items LIMIT 1)"
        )
    return Work({})


def lose_an_index(dsn: str) -> Work:
    with tampering(dsn) as connection:
        connection.execute("DROP INDEX items_order_id")
    return Work({})


@pytest.mark.parametrize("run", [do_nothing, change_a_row, lose_an_index])
def test_a_wrong_outcome_is_refused(bench: tuple[BenchServer, Dataset], run: Any) -> None:
    method = Method("wrong", "wrong", run)
    with pytest.raises(WrongOutcome, match="wrong left"):
        measure(*bench, method)


def test_the_migrating_role_is_an_ordinary_one(bench: tuple[BenchServer, Dataset]) -> None:
    with psycopg.connect(bench[0].dsn("bench_data")) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False)


def test_a_failing_command_says_why(bench: tuple[BenchServer, Dataset]) -> None:
    with pytest.raises(CommandFailed, match="exit code"):
        run_command(bench[0].dsn("no_such_database"), "migrate", "--yes")


def test_memory_is_that_of_the_program_not_ours() -> None:
    ballast = bytearray(b"x" * 300_000_000)
    small = run_program([sys.executable, "-I", "-S", "-c", ""], {})
    large = run_program([sys.executable, "-I", "-S", "-c", "b'x' * 80_000_000"], {})
    assert len(ballast) > small.memory_bytes * 5
    assert large.memory_bytes - small.memory_bytes > 70_000_000


def test_an_unknown_method_is_a_usage_error() -> None:
    done = run_benchmark("--methods", "identity,magic")
    assert done.returncode == 2
    assert "magic" in done.stderr
