"""`uuidmig bench runtime` as a whole: on a server, in a file, and read again by two programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import commands_on
from tests.servers import TestDatabase
from uuidmig.bench.results import benchmark_fullname
from uuidmig.bench.runtime.model import Case, NotRun
from uuidmig.bench.runtime.suite import run_cases, suite


def outcome(dsn: str, wanted: Callable[[Case], bool]) -> Any:
    (case,) = (case for case in suite(dsn) if wanted(case))
    (found,) = run_cases([case], 2, lambda _: None)
    return found


def test_server_is_only_read_from(database: TestDatabase) -> None:
    queries = outcome(database.dsn, lambda case: case.name == "queries")
    assert len(queries.rounds) == 2
    made = outcome(
        database.dsn, lambda case: case.name == "uuid4" and case.params["by"] == "server"
    )
    assert len(made.rounds) == 2
    with database.connect() as connection:
        query = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert connection.execute(query).fetchone() == (0,)


def test_server_without_a_generator_is_named(database: TestDatabase) -> None:
    found = outcome(
        database.dsn, lambda case: case.name == "uuid7" and case.params["by"] == "server"
    )
    with database.connect() as connection:
        version = connection.info.server_version // 10_000
    if version < 18:
        assert isinstance(found, NotRun)
        assert found.reason == f"came with PostgreSQL 18, this is {version}"
    else:
        assert len(found.rounds) == 2


@pytest.mark.slow
def test_whole_suite(
    database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = commands_on(database.dsn, tmp_path, monkeypatch)
    arguments = ("--iterations", "1", "--dsn", database.dsn, "--output", "a.json")
    shown = command("bench", "runtime", *arguments).stdout
    body = json.loads(Path("a.json").read_text())
    found = {one["fullname"] for one in (*body["benchmarks"], *body["not_run"])}
    assert found == {benchmark_fullname(c.group, c.name, c.params) for c in suite(database.dsn)}
    assert len(found) == len(body["benchmarks"]) + len(body["not_run"])
    for one in body["not_run"]:
        assert f"not run: {one['reason']}" in " ".join(shown.split())
    assert body["command"] == "uuidmig bench runtime --iterations 1"
    assert str(body["settings"]["server_version"]).startswith(("15", "16", "17", "18"))
    compared = command("bench", "compare", "a.json", "a.json")
    assert "(1.00~)" in compared.stdout
    theirs = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "a.json"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "derive[by=8 processes]" in theirs.stdout
