"""The command line on a real server: what each command prints where, and its exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import Result

from tests.cli_runner import Run, commands_on
from tests.integration.library import SCHEMA
from tests.servers import TestDatabase
from uuidmig.report.document import SCHEMA_VERSION


@pytest.fixture
def library(database: TestDatabase) -> TestDatabase:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
    return database


@pytest.fixture
def run(library: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against the library; `code` is the exit code it must have."""
    return commands_on(library.dsn, tmp_path, monkeypatch)


def document(result: Result) -> dict[str, Any]:
    """Return what is on stdout: one JSON document and nothing else."""
    content: dict[str, Any] = json.loads(result.stdout)
    assert content["schema_version"] == SCHEMA_VERSION
    return content


def versions(connection: psycopg.Connection) -> list[str]:
    query = "SELECT DISTINCT substr(id::text, 15, 1) FROM books"
    return [row[0] for row in connection.execute(query)]


def test_the_way_of_a_migration(run: Run, library: TestDatabase) -> None:
    assert document(run("status", "--json"))["status"]["state"] is None
    migrated = run("migrate", "--yes", "--cutover", "manual", "--workers", "1")
    assert "verified" in migrated.stdout
    assert "uuidmig cutover" in migrated.stdout
    assert "copy: done in" in migrated.stderr
    run("verify")
    run("pause", "--reason", "nightly report")
    paused = document(run("status", "--json"))["status"]
    assert (paused["paused"], paused["pause_reason"]) == (True, "nightly report")
    assert "nightly report" in run("status").stdout
    run("resume")
    with library.connect() as connection:
        (old,) = connection.execute("SELECT id FROM books LIMIT 1").fetchone() or ()
    assert "validated" in run("cutover", "--yes").stdout
    with library.connect() as connection:
        assert versions(connection) == ["7"]
    (pair,) = document(run("lookup", str(old), "--json"))["keys"]
    assert pair["old"] == str(old)
    assert pair["new"][14] == "7"
    assert str(old) in run("lookup", pair["new"]).stdout
    assert "rolled_back" in run("rollback", "--yes").stdout
    with library.connect() as connection:
        assert versions(connection) == ["4"]
    run("abort", "--yes")
    assert run("migrate", "--yes", "-q").stderr == ""
    run("finish", "--yes")
    assert "no migration under way" in run("status").stdout


def test_an_unknown_key_is_exit_code_1(run: Run) -> None:
    run("migrate", "--yes")
    unknown = "9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab"
    result = run("lookup", unknown, "--json", code=1)
    assert document(result) == {"schema_version": 1, "keys": [], "unknown": [unknown]}
    assert unknown in result.stderr


@pytest.mark.parametrize("command", ["migrate", "cutover", "abort", "rollback", "finish"])
def test_without_a_terminal_and_without_yes_nothing_happens(run: Run, command: str) -> None:
    result = run(command, code=2)
    assert "--yes" in result.stderr
    assert result.stdout == ""
    assert document(run("status", "--json"))["status"]["state"] is None


@pytest.mark.parametrize("command", ["verify", "cutover", "abort", "rollback", "finish", "pause"])
def test_a_command_that_does_not_fit_is_refused(run: Run, command: str) -> None:
    yes = [] if command in ("verify", "pause") else ["--yes"]
    assert "no migration is under way" in run(command, *yes, code=3).stderr


def test_what_cannot_be_is_not_announced(run: Run) -> None:
    run("migrate", "--yes")
    refused = run("abort", "--yes", code=3).stderr
    assert "this one is in state validated" in refused
    assert "dropped" not in refused
    refused = run("cutover", "--yes", code=3).stderr
    assert "this one is in state validated" in refused
    assert "go live" not in refused


def test_plan_for_people(run: Run) -> None:
    shown = run("plan").stdout
    assert max(map(len, shown.splitlines())) <= 100
    for expected in (
        "public.authors.id",
        "v4 100 % of 50 (exact)",
        "created_at (timestamp with time zone)",
        "public.books.author_id",
        "ACCESS EXCLUSIVE",
        "Forecast",
        "uuidmig migrate",
    ):
        assert expected in shown


def test_plan_as_json(run: Run) -> None:
    plan = document(run("plan", "--json", "--table", "authors", "-v"))
    assert [domain["root"] for domain in plan["domains"]] == ["public.authors.id"]
    assert plan["domains"][0]["keys"] == {"v4": 50, "v7": 0, "other": 0, "exact": True}
    assert [table["name"] for table in plan["tables"]] == ["public.authors", "public.books"]
    assert plan["forecast"]["rows"] == 250
    assert len(plan["plan_hash"]) == 64
    steps = [step["id"] for step in plan["steps"]]
    assert steps.index("copy") < steps.index("verify") < steps.index("swap")
    assert document(run("plan", "--json"))["plan_hash"] != plan["plan_hash"]


def test_plan_as_sql_runs_in_psql_up_to_the_cutover(
    run: Run, library: TestDatabase, tmp_path: Path
) -> None:
    script = tmp_path / "plan.sql"
    script.write_text(run("plan", "--sql").stdout)
    assert "\\set ON_ERROR_STOP on" in script.read_text()
    psql = library.server.bin / "psql"
    command = [str(psql), "-X", "-q", "-d", library.dsn, "-f", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert document(run("status", "--json"))["status"]["state"] == "cutover"
    with library.connect() as connection:
        assert versions(connection) == ["7"]


def test_a_dry_run_prints_the_script_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    result = run("migrate", "--dry-run", "--lock-timeout", "300ms")
    assert "SET lock_timeout = '300ms';" in result.stdout
    assert document(run("status", "--json"))["status"]["state"] is None


def test_plan_writes_revisions(run: Run, tmp_path: Path) -> None:
    result = run("plan", "--json", "--revisions", str(tmp_path / "revisions"))
    assert len(list((tmp_path / "revisions").glob("*.py"))) == 3
    assert "written: " in result.stderr
    document(result)


@pytest.mark.parametrize("form", [[], ["--json"], ["--sql"]])
def test_a_refused_plan_is_printed_all_the_same(
    run: Run, library: TestDatabase, form: list[str], tmp_path: Path
) -> None:
    with library.connect(autocommit=True) as connection:
        connection.execute("CREATE VIEW titles AS SELECT books FROM books")
    folder = tmp_path / "revisions"
    result = run("plan", *form, "--revisions", str(folder), code=3)
    assert "titles" in result.stdout
    assert "refused" in result.stderr
    assert not folder.exists()
    assert "titles" in run("migrate", "--yes", code=3).stderr


def test_names_cannot_break_out_of_a_comment(run: Run, library: TestDatabase) -> None:
    with library.connect(autocommit=True) as connection:
        connection.execute(
            'CREATE TABLE "evil\n\\! echo broken out\n\x1b[31m" (id uuid PRIMARY KEY,'
            " created_at timestamptz NOT NULL)"
        )
    assert "\n\\! echo" not in run("plan").stdout
    assert "\x1b" not in run("plan").stdout
    script = run("plan", "--sql").stdout
    comments = [line for line in script.splitlines() if line.startswith("-- ")]
    assert any("evil" in line and "broken out" in line for line in comments)
    outside = [line for line in script.splitlines() if line.startswith("\\! echo")]
    assert len(outside) == script.count('"evil\n\\! echo')  # inside a quoted identifier only


def test_inspect(run: Run) -> None:
    shown = run("inspect", "--table", "books")
    assert "public.books_pkey" in shown.stdout
    assert "authors_pkey" not in shown.stdout
    indexes = document(run("inspect", "--json"))["indexes"]
    assert {index["index"] for index in indexes} >= {"authors_pkey", "books_pkey"}
    assert indexes[0]["keys"]["v4"] == 50
    assert run("inspect", "--table", "nowhere", code=2).stdout == ""


def test_doctor(run: Run, library: TestDatabase) -> None:
    checks = {check["name"]: check for check in document(run("doctor", "--json"))["checks"]}
    assert {"server", "role", "pgstattuple", "amcheck", "pageinspect", "python"} <= checks.keys()
    assert checks["may create schemas"]["verdict"] == "ok"
    assert checks["deadlock_timeout"]["verdict"] == "ok"
    assert "no superuser" in run("doctor").stdout


def test_doctor_says_what_blocks(run: Run, library: TestDatabase) -> None:
    with library.connect_admin(autocommit=True) as admin:
        admin.execute("CREATE TABLE theirs (id uuid PRIMARY KEY)")
        admin.execute("ALTER ROLE app_owner SET default_transaction_read_only = on")
    try:
        result = run("doctor", "--json", code=3)
        checks = {check["name"]: check for check in document(result)["checks"]}
        assert checks["replica"]["verdict"] == "blocks"
        assert "public.theirs" in checks["owns the tables"]["value"]
        assert "this blocks a migration: replica" in result.stderr
    finally:
        with library.connect_admin(autocommit=True) as admin:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute("ALTER ROLE app_owner RESET default_transaction_read_only")
