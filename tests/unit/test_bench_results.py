"""Results files: pytest-benchmark's shape, its figures, no host names."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq
from pytest_benchmark.stats import Stats

from uuidmig.bench import environment
from uuidmig.bench.results import Result, document
from uuidmig.bench.rounds import describe_rounds
from uuidmig.report.document import document as as_text

RESULTS = (
    Result("uuid4", "inserts", {"batch": 1000, "preload": 2.5}, (0.5, 0.25, 1.0), {"wal": 738}),
    Result("uuid7", "inserts", {"batch": 1000, "preload": 2.5}, (0.125,), {}),
    Result("uuid7", "keys", {}, (0.25, 0.25), {"note": Path("x")}),
)


def made(**changes: object) -> dict[str, object]:
    arguments: dict[str, object] = {"command": "uuidmig bench inserts", "settings": {}, "extra": {}}
    return document(RESULTS, **{**arguments, **changes})  # type: ignore[arg-type]


@given(st.lists(st.floats(min_value=1e-9, max_value=1e5), min_size=1, max_size=40))
def test_rounds_are_described_as_pytest_benchmark_does(rounds: list[float]) -> None:
    theirs = Stats()
    for seconds in rounds:
        theirs.update(seconds)
    ours = describe_rounds(rounds)
    assert ours.pop("data") == rounds
    assert ours.pop("iterations") == 1
    assert ours == theirs.as_dict()


def test_a_benchmark_without_rounds_is_no_benchmark() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        describe_rounds(())


def test_keys_are_those_of_pytest_benchmark_and_a_few_more() -> None:
    body = made(settings={"server": Path("a")}, extra={"ratios": {"wal": 3.5}})
    assert list(body)[:5] == ["machine_info", "commit_info", "benchmarks", "datetime", "version"]
    assert body["command"] == "uuidmig bench inserts"
    assert body["settings"] == {"server": "a"}
    assert body["ratios"] == {"wal": 3.5}


def test_names_tell_the_parameters() -> None:
    benchmarks = made()["benchmarks"]
    assert isinstance(benchmarks, list)
    assert [benchmark["fullname"] for benchmark in benchmarks] == [
        "inserts::uuid4[batch=1000,preload=2.5]",
        "inserts::uuid7[batch=1000,preload=2.5]",
        "keys::uuid7",
    ]
    assert benchmarks[0]["stats"]["median"] == 0.5
    assert benchmarks[0]["extra_info"] == {"wal": 738}
    assert benchmarks[2]["params"] is None


def test_two_results_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="more than once: keys::uuid7"):
        document([RESULTS[2], RESULTS[2]], command="", settings={}, extra={})


def test_extra_keys_do_not_replace_the_documents_own() -> None:
    with pytest.raises(ValueError, match="machine_info"):
        made(extra={"machine_info": {}})


def test_no_host_name_is_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "db17.internal")
    machine = made()["machine_info"]
    assert isinstance(machine, dict)
    assert "node" not in machine
    assert "db17" not in as_text(made())


def test_interpreter_and_driver_are_told() -> None:
    machine = environment.machine_info()
    assert machine["python_version"] == platform.python_version()
    assert machine["psycopg"] == {
        "version": psycopg.__version__,
        "implementation": pq.__impl__,
        "libpq": pq.version(),
    }
    assert isinstance(machine["memory_bytes"], int)
    assert machine["python_gil_enabled"] is True or sys.version_info >= (3, 13)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_is_that_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_SOURCES", tmp_path)
    assert environment.commit_info()["id"] == "unversioned"
    git(tmp_path, "init", "-b", "main")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    git(tmp_path, "tag", "v1", "-m", "a tag must not be taken for a commit")
    info = environment.commit_info()
    assert info["id"] == git(tmp_path, "rev-parse", "HEAD")
    assert (info["dirty"], info["branch"]) == (False, "main")
    (tmp_path / "file").write_text("two")
    assert environment.commit_info()["dirty"] is True
    assert environment.commit_info()["id"] == info["id"]


def test_the_document_is_json() -> None:
    assert json.loads(as_text(made()))["schema_version"] == 1
