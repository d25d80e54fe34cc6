"""What the other tests take for granted about the database they get."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from tests.servers import OWNER, TestDatabase


def test_owner_is_an_ordinary_role(database: TestDatabase) -> None:
    with database.connect() as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (OWNER, False, False)


def test_owner_may_create_schemas_and_tables(database: TestDatabase) -> None:
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA other")
        connection.execute("CREATE TABLE public.t (id uuid PRIMARY KEY)")


def test_pg_dump_is_of_the_servers_version(database: TestDatabase) -> None:
    command = [str(database.server.bin / "pg_dump"), "--schema-only", database.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"Dumped by pg_dump version {database.server.version}." in done.stdout


def test_committed_rows_survive_a_crash_of_the_server(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
        database.server.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    database.server.start()
    with database.connect() as connection:
        assert connection.execute("SELECT a FROM t").fetchone() == (1,)
