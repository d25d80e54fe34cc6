"""What the capture triggers write, and that nothing escapes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration

SCHEMA: LiteralString = """
create table t (
    id uuid primary key default gen_random_uuid(), n int,
    created_at timestamptz default '2024-01-01'
);
insert into t (n) values (1), (2);
"""


@pytest.fixture
def migration(database: TestDatabase) -> Iterator[Migration]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        prepared = Migration.of(owner)
        prepared.prepare()
        yield prepared


def logged(connection: Connection) -> list[tuple[str, ...]]:
    query = "select uuidmig_op::text, created_at::date::text from uuidmig.log_1 order by ctid"
    return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("insert into t (n) values (3)", [("I", "2024-01-01")]),
        ("update t set n = 3 where n = 1", [("D", "2024-01-01")]),
        ("update t set created_at = '2020-01-01' where n = 1", [("D", "2024-01-01")]),
        (
            "update t set id = gen_random_uuid(), created_at = '2020-01-01' where n = 1",
            [("D", "2024-01-01"), ("I", "2020-01-01")],
        ),
        ("delete from t where n = 1", [("D", "2024-01-01")]),
        ("truncate t", [("T", None)]),
        ("begin; delete from t; rollback", []),
    ],
)
def test_what_is_logged(
    migration: Migration, change: LiteralString, rows: list[tuple[str, str | None]]
) -> None:
    migration.connection.execute(change)
    assert logged(migration.connection) == rows
    assert migration.call("backlog") == len(rows)


def test_copied_rows_are_captured(migration: Migration) -> None:
    with migration.connection.cursor().copy("copy t (n) from stdin") as stream:
        stream.write_row([5])
    assert logged(migration.connection) == [("I", "2024-01-01")]


def test_rows_that_replication_applies_are_captured(
    database: TestDatabase, migration: Migration
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("set session_replication_role = replica")
        admin.execute("update t set n = 9 where n = 1")
        admin.execute("set search_path = nowhere; truncate public.t")
    assert logged(migration.connection) == [("D", "2024-01-01"), ("T", None)]
