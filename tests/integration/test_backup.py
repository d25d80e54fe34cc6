"""Backups: whole, complete, of the old keys, without a word of the password."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from tests.cli_runner import Run, commands_on
from tests.docker_engine import IMAGE, images_or_skip
from tests.servers import OWNER_PASSWORD, TestDatabase, TestServer, fresh_database
from uuidmig import RunOptions, abort, cutover, migrate, rollback
from uuidmig.backup.contents import Contents, read_contents
from uuidmig.backup.make import back_up
from uuidmig.backup.programs import connection_for, find_programs
from uuidmig.errors import (
    BackupProgramUnusable,
    ConfigurationError,
    LockNotObtained,
    NothingToMigrate,
    WrongState,
)
from uuidmig.planner.model import PlanOptions

SCHEMA: LiteralString = """
CREATE SCHEMA "Weird, ""Schema|";
CREATE TABLE "Weird, ""Schema|"."Or,d|er" (
    "I d" uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL);
INSERT INTO "Weird, ""Schema|"."Or,d|er" (created_at)
    SELECT '2024-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(1, 700) AS n;
CREATE TABLE notes (id uuid PRIMARY KEY REFERENCES "Weird, ""Schema|"."Or,d|er", note text);
INSERT INTO notes SELECT "I d", 'x' FROM "Weird, ""Schema|"."Or,d|er";
CREATE TABLE events (id uuid, created_at timestamptz, PRIMARY KEY (id, created_at))
    PARTITION BY RANGE (created_at);
CREATE TABLE events_24 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
INSERT INTO events SELECT gen_random_uuid(), '2024-12-31'::timestamptz + n * interval '1 hour'
    FROM generate_series(1, 48) AS n;
CREATE TABLE "Weird, ""Schema|"."other ""one" (id int PRIMARY KEY);
INSERT INTO "Weird, ""Schema|"."other ""one" VALUES (1);
CREATE TABLE "note" (id int PRIMARY KEY);
INSERT INTO "note" VALUES (1);
ANALYZE;
"""
TABLES = ('Weird, "Schema|.Or,d|er', "public.events_24", "public.events_rest", "public.notes")
ROWS: LiteralString = """
SELECT (SELECT array_agg(o ORDER BY o) FROM "Weird, ""Schema|"."Or,d|er" AS o)::text,
       (SELECT array_agg(n ORDER BY n) FROM notes AS n)::text,
       (SELECT array_agg(e ORDER BY e) FROM events AS e)::text
"""


@pytest.fixture
def shop(
    database: TestDatabase, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> TestDatabase:
    """The tables above, and the server's own programs first on PATH."""
    monkeypatch.setenv("PATH", str(server.bin), prepend=os.pathsep)
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
    return database


@pytest.fixture
def run(shop: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return commands_on(shop.dsn, tmp_path, monkeypatch)


def rows(database: TestDatabase) -> Any:
    with database.connect() as owner:
        return owner.execute(ROWS).fetchone()


def restore(file: Path, server: TestServer, database: TestDatabase) -> str:
    command = [str(server.bin / "pg_restore"), f"--dbname={database.admin_dsn}", str(file)]
    return subprocess.run(command, capture_output=True, text=True).stderr


def test_what_is_restored_is_what_was(
    shop: TestDatabase, server: TestServer, tmp_path: Path
) -> None:
    path = tmp_path / "before.dump"
    done = back_up(shop.dsn, path, PlanOptions())
    before = rows(shop)
    migrate(shop.dsn, PlanOptions())
    assert rows(shop) != before

    assert tuple(map(str, done.tables)) == TABLES
    assert done.bytes == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with fresh_database(server) as scratch:
        assert restore(path, server, scratch) == ""
        assert rows(scratch) == before
        with scratch.connect_admin() as admin:  # their definitions alone
            assert admin.execute('SELECT count(*) FROM "note"').fetchone() == (0,)
            other: LiteralString = 'SELECT count(*) FROM "Weird, ""Schema|"."other ""one"'
            assert admin.execute(other).fetchone() == (0,)


def test_the_document(run: Run, tmp_path: Path) -> None:
    done = run("backup", "--output", "before.dump", "--json")
    found = json.loads(done.stdout)["backup"]
    assert found["tables"] == list(TABLES)
    assert found["file"] == "before.dump"
    assert found["bytes"] == (tmp_path / "before.dump").stat().st_size
    assert found["seconds"] > 0
    assert found["state"] is None
    assert (found["compression"] == "gzip") == ("compressed with gzip" in done.stderr)
    assert "4 tables" in run("backup", "--output", "again.dump").stdout


def test_of_some_tables(run: Run) -> None:
    done = run("backup", "-o", "events.dump", "--table", "events", "--json")
    assert json.loads(done.stdout)["backup"]["tables"] == ["public.events_24", "public.events_rest"]


def test_while_a_run_is_under_way(shop: TestDatabase, server: TestServer, tmp_path: Path) -> None:
    before = rows(shop)
    migrate(shop.dsn, PlanOptions(), RunOptions(cutover="manual"))
    done = back_up(shop.dsn, tmp_path / "verified.dump", PlanOptions())
    assert done.state == "verified"
    assert tuple(map(str, done.tables)) == TABLES
    with fresh_database(server) as scratch:
        said = restore(tmp_path / "verified.dump", server, scratch)
        assert rows(scratch) == before
        errors = [line for line in said.splitlines() if "ERROR:" in line]
        assert errors  # the triggers of the run, without their functions
        assert [line for line in errors if 'schema "uuidmig" does not exist' not in line] == []
        with scratch.connect_admin() as admin:
            schemas = admin.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '__uuid'")
            assert schemas.fetchall() == []


def test_after_the_cutover_it_says_where_the_old_rows_are(
    shop: TestDatabase, run: Run, tmp_path: Path
) -> None:
    migrate(shop.dsn, PlanOptions(), RunOptions(cutover="manual"))
    cutover(shop.dsn)
    said = run("backup", "-o", "late.dump", code=3).stderr
    assert "public__uuid4" in said
    assert "export-map" in said
    assert list(tmp_path.iterdir()) == []

    rollback(shop.dsn)
    assert "4 tables" in run("backup", "-o", "back.dump").stdout
    abort(shop.dsn)


def test_a_cutover_waits_for_the_backup(
    shop: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump begins when nobody can switch the tables any more."""
    from uuidmig.backup import make

    begin = make._dump

    def dump(*arguments: Any) -> Any:
        with shop.connect() as other:
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("LOCK TABLE events_24 IN ACCESS EXCLUSIVE MODE")
        return begin(*arguments)

    monkeypatch.setattr(make, "_dump", dump)
    back_up(shop.dsn, tmp_path / "before.dump", PlanOptions())


def test_nothing_to_back_up(shop: TestDatabase, database: TestDatabase, tmp_path: Path) -> None:
    with pytest.raises(WrongState, match="changes no row"):
        back_up(shop.dsn, tmp_path / "a", PlanOptions(strategy="default-only"))
    with database.connect(autocommit=True) as owner:
        owner.execute('DROP SCHEMA "Weird, ""Schema|" CASCADE; DROP TABLE notes, events')
    with pytest.raises(NothingToMigrate):
        back_up(database.dsn, tmp_path / "a", PlanOptions())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "before.dump"
    path.write_text("the backup of last week")
    assert "is there already" in run("backup", "-o", "before.dump", code=2).stderr
    assert path.read_text() == "the backup of last week"


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def wrapped(
    shop: TestDatabase, server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder first on PATH with programs that pass everything on, to be replaced."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program(folder, name, f'exec "{server.bin / name}" "$@"')
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def test_no_password_anywhere(
    shop: TestDatabase, server: TestServer, run: Run, wrapped: Path, tmp_path: Path
) -> None:
    program(
        wrapped,
        "pg_dump",
        f'echo "$@" >> {tmp_path}/seen; printenv PGPASSWORD >> {tmp_path}/given;'
        f' exec "{server.bin}/pg_dump" "$@"',
    )
    secret = "it's se\\cret "
    dsn = psycopg.conninfo.make_conninfo(shop.dsn, password=secret)
    done = run("backup", "-o", "before.dump", "--verbose", "--dsn", dsn)
    seen = (tmp_path / "seen").read_text()
    assert "--format=custom" in seen
    assert "se\\cret" not in seen + done.stdout + done.stderr
    assert f"{secret}\n" in (tmp_path / "given").read_text()


def test_other_secrets_are_refused() -> None:
    assert connection_for(f"host=a password={OWNER_PASSWORD}") == (
        "host=a",
        {"PGPASSWORD": OWNER_PASSWORD},
    )
    with pytest.raises(ConfigurationError, match="sslpassword") as caught:
        connection_for("host=a sslpassword=abcdef")
    assert "abcdef" not in str(caught.value)


def test_pg_dump_that_fails_leaves_nothing(run: Run, wrapped: Path, tmp_path: Path) -> None:
    program(
        wrapped,
        "pg_dump",
        'case "$*" in *--version*) echo "pg_dump (PostgreSQL) 99.1"; exit;; esac;'
        " echo 'pg_dump: error: out of paper' >&2; exit 1",
    )
    said = run("backup", "-o", "before.dump", code=1).stderr
    assert "out of paper" in said
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin"}


def test_an_archive_without_a_table_is_thrown_away(
    run: Run, server: TestServer, wrapped: Path, tmp_path: Path
) -> None:
    program(
        wrapped,
        "pg_restore",
        f'"{server.bin}/pg_restore" "$@" | grep -v "TABLE DATA public events_24 "',
    )
    said = run("backup", "-o", "before.dump", code=5).stderr
    assert "finds no rows of public.events_24;" in said
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin"}


@pytest.mark.docker
def test_with_a_pg_dump_that_has_zstd(
    shop: TestDatabase, server: TestServer, run: Run, wrapped: Path, tmp_path: Path
) -> None:
    """The image's programs, on our server and in our folder: those of the wheel have no zstd."""
    if IMAGE not in images_or_skip() or not server.admin_dsn.startswith("host=/"):
        pytest.skip("the container reaches the server through its socket only")
    if server.version < 18:
        pytest.skip("pg_restore of 18 knows settings that an older server does not")
    socket = psycopg.conninfo.conninfo_to_dict(server.admin_dsn)["host"]
    for name in ("pg_dump", "pg_restore"):
        program(
            wrapped,
            name,
            f"exec docker run --rm --network none --user {os.getuid()}:{os.getgid()}"
            f" -v {socket}:{socket} -v {tmp_path}:{tmp_path} -w {tmp_path} -e PGPASSWORD"
            f' --entrypoint {name} {IMAGE} "$@"',
        )
    before = rows(shop)
    done = run("backup", "-o", "before.dump", "--json")
    assert json.loads(done.stdout)["backup"]["compression"] == "zstd"
    assert "gzip" not in done.stderr
    listed = subprocess.run(["pg_restore", "--list", "before.dump"], capture_output=True, text=True)
    assert "Compression: zstd" in listed.stdout
    with fresh_database(server) as scratch:
        dsn = scratch.admin_dsn
        subprocess.run(["pg_restore", f"--dbname={dsn}", "before.dump"], check=True)
        assert rows(scratch) == before


def test_programs_that_do_not_fit(
    wrapped: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(wrapped, "pg_dump", 'echo "pg_dump (PostgreSQL) 14.9 (Debian 14.9-1)"')
    said = run("backup", "-o", "before.dump", code=2).stderr
    assert "is of version 14.9" in said
    assert "at least as new" in said
    (wrapped / "pg_dump").unlink()
    monkeypatch.setenv("PATH", str(wrapped))
    assert "there is no pg_dump on PATH" in run("backup", "-o", "before.dump", code=2).stderr
    with pytest.raises(BackupProgramUnusable, match="there is no pg_dump in"):
        find_programs(15, tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin"}


def test_rows_that_policies_hide_are_no_backup(
    shop: TestDatabase, run: Run, tmp_path: Path
) -> None:
    with shop.connect() as owner:
        owner.execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    said = run("backup", "-o", "before.dump", code=1).stderr
    assert "row-level security" in said
    assert "no backup was kept" in said
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_server_brings_its_programs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run("backup", "-o", "before.dump", code=2)
    run("backup", "-o", "before.dump", "--server", "embedded", code=3)  # empty, but not for pg_dump


@pytest.mark.parametrize("locked", ["notes", "note", "uuidmig.run"])
def test_it_waits_for_no_lock_for_long(
    shop: TestDatabase, run: Run, tmp_path: Path, locked: LiteralString
) -> None:
    """Neither for a table to migrate, nor for another one: pg_dump locks all there are."""
    migrate(shop.dsn, PlanOptions(), RunOptions(cutover="manual"))  # else it has to plan first
    files = list(tmp_path.iterdir())
    with shop.connect() as other:
        other.execute(f"LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE")
        assert "500 ms" in run("backup", "-o", "before.dump", code=4).stderr
    assert list(tmp_path.iterdir()) == files


def test_pg_dump_does_not_wait_for_who_waits_for_us(
    shop: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would ever go on: the server does not know for whose sake we hold our locks."""
    with (
        ThreadPoolExecutor(1) as pool,
        shop.connect(autocommit=True) as application,
    ):

        def begun(*given: Any, **named: Any) -> Contents:
            asked.append(pool.submit(application.execute, "TRUNCATE notes"))
            shop.until_it_waits(application)
            return read_contents(*given, **named)

        asked: list[Future[Any]] = []
        monkeypatch.setattr("uuidmig.backup.make.read_contents", begun)
        with pytest.raises(LockNotObtained, match="no backup was kept"):
            back_up(shop.dsn, tmp_path / "before.dump", PlanOptions(), lock_timeout_ms=300)
        asked[0].result(timeout=30)
    assert list(tmp_path.iterdir()) == []
