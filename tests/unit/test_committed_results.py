"""Committed results say how they were made, and not on which host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from uuidmig.bench.results_file import Benchmark, ResultsFile, read_results

ROOT = Path(__file__).parents[2]
COMMITTED = sorted((ROOT / "benchmarks" / "results").glob("*.json"))

GOOD = ResultsFile(
    path="a.json",
    benchmarks=(Benchmark("a::b", "b", "a", 1.0, None, 1),),
    machine={"python_version": "3.14.0", "cpu": {"brand_raw": "AMD", "count": 2}},
    commit={"id": "4f1d5e5" + "0" * 33, "dirty": False},
    settings={"server": {"server_version": "18.6"}},
    made_at="2026-11-24T16:50:48+00:00",
    command="python -m pytest benchmarks/suites --benchmark-json=benchmarks/results/a.json",
)


def findings(file: ResultsFile) -> Iterator[str]:
    """What stands against committing a file."""
    for name in ("machine", "settings", "made_at", "command"):
        if not getattr(file, name):
            yield f"no {name}"
    if "node" in file.machine:
        yield "the name of a host"
    if not re.fullmatch("[0-9a-f]{40}", str(file.commit.get("id"))) or file.commit.get("dirty"):
        yield "no commit"
    if re.search(r"(^|[\s=\"'])[/~]", file.command or ""):
        yield "a folder of this machine"


def test_a_good_file() -> None:
    assert list(findings(GOOD)) == []


@pytest.mark.parametrize(
    ("file", "finding"),
    [
        (replace(GOOD, machine={}), "no machine"),
        (replace(GOOD, machine={**GOOD.machine, "node": "db17"}), "the name of a host"),
        (replace(GOOD, settings={}), "no settings"),
        (replace(GOOD, made_at=None), "no made_at"),
        (replace(GOOD, command=None), "no command"),
        (
            replace(GOOD, command="pytest --benchmark-json=/home/me/a.json"),
            "a folder of this machine",
        ),
        (replace(GOOD, command="/opt/bin/pytest"), "a folder of this machine"),
        (replace(GOOD, commit={**GOOD.commit, "dirty": True}), "no commit"),
        (replace(GOOD, commit={"id": "unversioned"}), "no commit"),
    ],
)
def test_what_stands_against_a_file(file: ResultsFile, finding: str) -> None:
    assert list(findings(file)) == [finding]


def test_committed_files() -> None:
    assert {path.name: list(findings(read_results(path))) for path in COMMITTED} == {
        path.name: [] for path in COMMITTED
    }
