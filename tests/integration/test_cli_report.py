"""`uuidmig report`, `finish --report` and `demo --report` on a real server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli_runner import Run, commands_on
from tests.integration.library import SCHEMA
from tests.report_sample import sample_bench
from tests.servers import TestDatabase, TestServer
from uuidmig import engine
from uuidmig.demo import run as demo_run
from uuidmig.report.units import size


@pytest.fixture
def run(database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
    return commands_on(database.dsn, tmp_path, monkeypatch)


def test_a_report_of_a_run_as_html_and_json(run: Run, tmp_path: Path) -> None:
    run("report", code=3)
    run("migrate", "--yes", "--measure")
    run("report", "--output", "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "The migration is through" in page
    assert "Before and after" in page
    assert "books_pkey" in page
    assert run("report").stdout.startswith("<!doctype html>")
    document = json.loads(run("report", "--json").stdout)["report"]
    assert document["migration"]["state"] == "validated"
    assert sum(table["rows"] for table in document["migration"]["tables"]) == 250
    assert sum(span["rows"] for span in document["migration"]["copied"]) == 250
    kinds = {event["kind"] for event in document["migration"]["events"]}
    assert {"step", "stall", "verified", "throttle"} <= kinds


def told(file: Path) -> str:
    return f"the report is in {file.name}, {size(file.stat().st_size)}\n"


def test_it_says_where_the_report_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("migrate", "--yes")
    done = run("report", "--output", "report.html")
    assert (done.stdout, done.stderr) == ("", told(tmp_path / "report.html"))
    done = run("report", "--output", "report.json", "--json")
    assert (done.stdout, done.stderr) == ("", told(tmp_path / "report.json"))
    assert run("report", "--output", "report.html", "--quiet").stderr == ""
    assert run("report", "--json").stderr == ""
    done = run("finish", "--yes", "--report", "kept.html")
    assert told(tmp_path / "kept.html") in done.stderr

    (tmp_path / "bench.json").write_text(json.dumps(sample_bench()))
    monkeypatch.delenv("UUIDMIG_DSN")
    alone = ("report", "--bench", "bench.json", "--output", "bench.html")
    assert run(*alone).stderr == told(tmp_path / "bench.html")
    assert run(*alone, "--quiet").stderr == ""


def test_no_host_no_user_and_no_path_is_in_a_report(run: Run, tmp_path: Path) -> None:
    import getpass
    import socket

    run("migrate", "--yes", "--measure")
    text = run("report", "--json").stdout
    for secret in (socket.gethostname(), str(tmp_path), "app_owner"):
        assert secret not in text
    assert f'"{getpass.getuser()}"' not in text


def test_finish_writes_the_report_before_it_drops_the_journal(run: Run, tmp_path: Path) -> None:
    run("migrate", "--yes")
    run("finish", "--yes", "--report", "kept.html")
    assert "The migration is through" in (tmp_path / "kept.html").read_text()
    run("report", code=3)


def test_finish_drops_nothing_when_it_cannot_write(
    run: Run, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("migrate", "--yes")
    failed = run("finish", "--yes", "--report", "no/such/folder/kept.html", code=2)
    assert "cannot be written" in failed.stderr
    assert engine.status(database.dsn).state == "validated"
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "uuidmig[report]" in run("finish", "--yes", "--report", "kept.html", code=2).stderr
    assert engine.status(database.dsn).state == "validated"
    run("finish", "--yes", "--report", "kept.json")
    assert engine.status(database.dsn).state is None


def test_a_benchmark_alone_needs_no_server(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(sample_bench()))
    monkeypatch.delenv("UUIDMIG_DSN")
    monkeypatch.setenv("PGPORT", "1")
    run("report", "--bench", "bench.json", "--output", "bench.html")
    assert "inserts compared" in (tmp_path / "bench.html").read_text()


def test_a_benchmark_beside_a_migration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(sample_bench()))
    run("migrate", "--yes")
    page = run("report", "--bench", "bench.json").stdout
    assert "The run" in page
    assert "Insert benchmark" in page


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"benchmarks": 3}', "\xff"])
def test_a_file_that_is_no_benchmark_is_refused(run: Run, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "bench.json").write_bytes(text.encode("latin-1"))
    assert "bench.json" in run("report", "--bench", "bench.json", code=2).stderr


def test_what_a_run_waited_for_is_in_its_report(run: Run, database: TestDatabase) -> None:
    run("migrate", "--yes", "--cutover", "manual")
    with database.connect() as other:
        other.execute("SELECT FROM books")
        blocked = engine.RunOptions(lock_attempts=2, lock_timeout_ms=100)
        with pytest.raises(Exception, match="no lock in 2 attempts"):
            engine.cutover(database.dsn, run_options=blocked)
    run("cutover", "--yes")
    events = json.loads(run("report", "--json").stdout)["report"]["migration"]["events"]
    (retry,) = [event for event in events if event["kind"] == "lock_retry"]
    assert retry["step"] == "cutover"
    assert retry["detail"]["count"] == 2
    assert len(retry["detail"]["times"]) == 2
    assert "books" not in json.dumps(retry)
    assert "lock_retry" in run("status").stdout


@pytest.mark.slow
def test_a_demo_writes_its_report(
    server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_run, "CALM_SECONDS", 0.5)
    monkeypatch.setattr(demo_run, "AFTERMATH_SECONDS", 0.2)
    run = commands_on(server.admin_dsn, tmp_path, monkeypatch)
    arguments = ("--orders", "3000", "--writers", "2", "--dsn", server.admin_dsn)
    run("demo", *arguments, "--report", "demo.html", "--json")
    page = (tmp_path / "demo.html").read_text()
    for heading in ("What the application felt", "Page fill by key version", "Giving way"):
        assert heading in page
