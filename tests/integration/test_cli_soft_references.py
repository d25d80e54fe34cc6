"""Soft references from the command line: sampled, declared in the file, there and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import pytest

from tests.cli_runner import Run, commands_on
from tests.schema_dump import schema_dump
from tests.servers import TestDatabase
from tests.steps_driver import Connection

SCHEMA: LiteralString = """
create table orders (
    id uuid primary key default gen_random_uuid(), n int unique,
    created_at timestamptz not null default '2024-01-01'
);
create table audit_log (n int primary key, entity_type text, entity_id uuid, data jsonb);
create index on audit_log (entity_id);
insert into orders (n) select generate_series(1, 50);
insert into audit_log select n, 'order', id, jsonb_build_object('id', id) from orders;
insert into audit_log select 100 + n, 'other', id from orders where n < 10;
"""
FILE = """
[[soft_references]]
column = "public.audit_log.entity_id"
references = "public.orders.id"
when = { column = "entity_type", equals = "order" }
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


@pytest.fixture
def run(database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return commands_on(database.dsn, tmp_path, monkeypatch)


def matching(connection: Connection) -> tuple[int, int]:
    """Return how many log rows about orders name an order that is there, and how many others do."""
    row = connection.execute(
        "select count(*) filter (where entity_type = 'order'),"
        " count(*) filter (where entity_type = 'other')"
        " from audit_log join orders on id = entity_id"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_the_report(run: Run, connection: Connection) -> None:
    text = run("plan", "--soft-references").stdout
    assert "public.audit_log.entity_id" in text
    assert "$.id" in text

    found = json.loads(run("plan", "--soft-references", "--json").stdout)
    columns = {entry["column"]: entry for entry in found["soft_references"]["columns"]}
    assert columns["public.audit_log.data"]["findings"][0]["path"] == "$.id"
    assert columns["public.audit_log.entity_id"]["findings"][0]["hits"] == 59
    assert "soft_references" not in json.loads(run("plan", "--json").stdout)
    run("plan", "--soft-references", "--sql", code=2)


def test_there_and_back_and_there_again(
    run: Run, connection: Connection, database: TestDatabase, tmp_path: Path
) -> None:
    (tmp_path / "uuidmig.toml").write_text(FILE)
    before, rows = schema_dump(database), connection.execute("table audit_log").fetchall()
    assert matching(connection) == (50, 9)
    assert "as declared" in run("plan").stdout

    run("migrate", "--yes")
    assert matching(connection) == (50, 0)
    found = connection.execute("select entity_id from audit_log where n = 1").fetchone()
    assert found is not None
    assert isinstance(found[0], UUID)
    assert found[0].version == 7

    run("rollback", "--yes")
    assert connection.execute("table audit_log").fetchall() == rows
    run("abort", "--yes")
    assert schema_dump(database) == before

    run("migrate", "--yes")
    run("finish", "--yes")
    assert matching(connection) == (50, 0)


def test_a_resume_needs_the_same_declarations(
    run: Run, connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / "uuidmig.toml").write_text(FILE)
    run("migrate", "--yes", "--cutover", "manual")
    (tmp_path / "uuidmig.toml").write_text(FILE.replace('"order"', '"other"'))
    result = run("migrate", "--yes", "--cutover", "manual", code=3)
    assert "other options" in result.output


def test_what_is_declared_wrongly(run: Run, connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "uuidmig.toml").write_text(FILE.replace("entity_id", "nothing"))
    assert "does not exist" in run("plan", code=2).output
    json_column = FILE.replace("entity_id", "data").replace("when", 'path = "id"\nwhen')
    (tmp_path / "uuidmig.toml").write_text(json_column)
    assert "no path that can be followed" in " ".join(run("plan", code=2).output.split())
    connection.execute("alter table audit_log add fixed char(36)")
    (tmp_path / "uuidmig.toml").write_text(FILE.replace("entity_id", "fixed"))
    assert "are not handled" in " ".join(run("plan", code=3).output.split())
    assert run("migrate", "--yes", code=3).exit_code == 3
