"""The benchmarks of `make bench` work, and are none of `make test`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from uuidmig.bench.comparison import compare
from uuidmig.bench.results_file import read_results

ROOT = Path(__file__).parents[2]
IN_LANE_18 = pytest.mark.skipif(
    os.environ.get("UUIDMIG_TEST_PG", "18") != "18",
    reason="the benchmarks have a server of their own, of version 18",
)


def recipe(target: str, *variables: str) -> list[str]:
    """The command that a target of the Makefile would run, with this interpreter.

    A `make test ARGS=…` around us would pass its variables on.
    """
    around = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS", "RESULTS", "PROCESSES")
    environment = {name: text for name, text in os.environ.items() if name not in around}
    command = ["make", "--no-print-directory", "-n", target, *variables]
    printed = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
    joined = printed.replace("\\\n", " ")
    (line,) = (line for line in joined.splitlines() if " -m pytest " in line)
    return [sys.executable, *shlex.split(line)[1:]]


def run(command: list[str]) -> str:
    # else it takes itself for one of several processes, in which nothing can be measured
    environment = {name: text for name, text in os.environ.items() if "XDIST" not in name}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "quick results.json"
    run(recipe("bench", f"RESULTS={path}"))
    return path


@pytest.mark.slow
@IN_LANE_18
def test_quick_benchmarks_give_figures(results: Path) -> None:
    found = {benchmark.name for benchmark in read_results(results).benchmarks}
    assert found >= {
        "test_insert[uuid4-100000]",
        "test_insert[uuid7-100000]",
        "test_key_in_python[uuid7-uuidmig]",
        "test_keys_on_the_server[uuid7]",
        "test_expression[100000-bytes_17]",
        "test_expression[100000-bytes_before_17]",
        "test_new_key",
        "test_export_map[100000 keys-csv.zst]",
        "test_copy_through_gzip[100000 keys]",
        "test_migrate[500 orders-rewrite]",
        "test_migrate[500 orders-default-only]",
    }
    assert not [name for name in found if "000000" in name or "100000 orders" in name]


@pytest.mark.slow
@IN_LANE_18
def test_figures_come_with_their_environment(results: Path) -> None:
    body: Any = json.loads(results.read_text())
    assert "node" not in body["machine_info"]
    assert body["machine_info"]["psycopg"]["implementation"]
    assert body["settings"]["server"]["fsync"] == "on"
    command = shlex.split(body["command"])
    assert command[:3] == ["python", "-m", "pytest"]
    assert f"--benchmark-json={results}" in command
    assert body["benchmarks"][0]["stats"]["data"]
    file = read_results(results)
    assert compare([file, file], 0.0).slower == ()


def collected(command: list[str]) -> list[str]:
    lines = run([*command, "--collect-only", "-q"]).splitlines()
    return [line for line in lines if "::" in line]


def test_the_quick_ones_are_a_part_of_all() -> None:
    quick, everything = collected(recipe("bench")), collected(recipe("bench-full"))
    assert quick
    assert set(quick) < set(everything)
    suites = {line.partition("::")[0] for line in everything}
    assert suites == {
        str(path.relative_to(ROOT)) for path in (ROOT / "benchmarks").rglob("test_*.py")
    }
    assert {line.partition("::")[0] for line in quick} == suites


def test_tests_are_none_of_them() -> None:
    assert not [line for line in collected(recipe("test")) if line.startswith("benchmarks")]
