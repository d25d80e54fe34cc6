"""Between cutover and finish: remembered keys, user triggers, look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig.planner.model import PlanOptions

SCHEMA: LiteralString = """
create table parents (
    id uuid primary key default gen_random_uuid(), name text unique,
    created_at timestamptz default '2024-01-01'
);
create table children (
    id uuid primary key default gen_random_uuid(), n int unique,
    parent_id uuid references parents on delete cascade
);
create table details (
    child_id uuid primary key references children on delete cascade, note text
);
create table tenants (
    name text, id uuid, created_at timestamptz default clock_timestamp(), primary key (name, id)
);
create table seen (trigger text, op text, key uuid, parent uuid);
create function see() returns trigger language plpgsql as $$
begin
    insert into public.seen values (tg_name, tg_op, new.id, new.parent_id);
    return new;
end $$;
create trigger "00 first" before insert or update on children for each row execute function see();
create trigger last after insert or update on children for each row execute function see();
insert into parents (name) values ('a'), ('b');
insert into children (n, parent_id) select 1, id from parents where name = 'a';
insert into details select id, 'old' from children;
insert into tenants (name, id) select n, '3d5e5e6d-4b0b-4b7e-9d0c-6f9a58c1a111'
from unnest(array['x', 'y']) n;
truncate seen;
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


def cut_over(connection: Connection, *, grace: bool = True) -> Migration:
    migration = Migration.of(connection, PlanOptions(grace=grace))
    migration.run_to_cutover()
    connection.execute("truncate seen")
    return migration


def key(connection: Connection, table: LiteralString, condition: LiteralString) -> UUID:
    query = sql.SQL("select id from {} where {}").format(sql.Identifier(table), sql.SQL(condition))
    row = connection.execute(query).fetchone()
    assert row is not None
    assert isinstance(row[0], UUID)
    return row[0]


def test_references_with_old_keys_are_translated(connection: Connection) -> None:
    old_a = key(connection, "parents", "name = 'a'")
    old_b = key(connection, "parents", "name = 'b'")
    cut_over(connection)
    new_a = key(connection, "parents", "name = 'a'")
    new_b = key(connection, "parents", "name = 'b'")
    assert (old_a.version, new_a.version) == (4, 7)
    connection.execute("insert into children (n, parent_id) values (2, %s)", [old_a])
    connection.execute("update children set parent_id = %s where n = 1", [old_b])
    found = connection.execute("select parent_id from children order by n").fetchall()
    assert found == [(new_b,), (new_a,)]


def test_user_triggers_fire_once_and_see_the_new_key(connection: Connection) -> None:
    old = key(connection, "parents", "name = 'a'")
    cut_over(connection)
    new = key(connection, "parents", "name = 'a'")
    connection.execute("insert into children (n, parent_id) values (2, %s)", [old])
    connection.execute("update children set parent_id = %s where n = 2", [old])
    child = key(connection, "children", "n = 2")
    found = connection.execute("select * from seen").fetchall()
    assert found == [
        (name, operation, child, new)
        for operation in ("INSERT", "UPDATE")
        for name in ("00 first", "last")
    ]


def test_an_upsert_by_a_remembered_key_meets_its_row(connection: Connection) -> None:
    old = key(connection, "parents", "name = 'a'")
    child = key(connection, "children", "n = 1")
    cut_over(connection)
    connection.execute(
        "insert into parents (id, name) values (%s, 'c') on conflict (id) do update"
        " set name = excluded.name",
        [old],
    )
    connection.execute(
        "insert into details values (%s, 'new') on conflict (child_id) do update"
        " set note = excluded.note",
        [child],
    )
    rows = connection.execute("select name from parents order by name").fetchall()
    assert rows == [("b",), ("c",)]
    assert connection.execute("select note from details").fetchall() == [("new",)]


def test_unknown_keys_pass(connection: Connection) -> None:
    cut_over(connection)
    unknown = uuid4()
    connection.execute("insert into parents (id, name) values (%s, 'c')", [unknown])
    connection.execute("insert into children (n, parent_id) values (5, %s)", [unknown])
    connection.execute("insert into children (n, parent_id) values (6, null)")
    rows = connection.execute("select parent_id from children where n > 4 order by n").fetchall()
    assert rows == [(unknown,), (None,)]


def test_no_grace(connection: Connection) -> None:
    old = key(connection, "parents", "name = 'a'")
    migration = cut_over(connection, grace=False)
    query = "select count(*) from pg_trigger where tgname ~ 'grace'"
    assert connection.execute(query).fetchone() == (0,)
    connection.execute("insert into parents (id, name) values (%s, 'c')", [old])
    assert key(connection, "parents", "name = 'c'") == old
    connection.execute("delete from parents where name = 'c'")
    migration.rollback()
    assert key(connection, "parents", "name = 'a'") == old
    migration.abort()


def test_current_key_and_id_map(connection: Connection) -> None:
    old = key(connection, "parents", "name = 'a'")
    cut_over(connection)
    new = key(connection, "parents", "name = 'a'")
    unknown = uuid4()
    found = connection.execute(
        "select uuidmig_keys.current_key(%s), uuidmig_keys.current_key(%s),"
        " uuidmig_keys.current_key(%s), uuidmig_keys.current_key(null)",
        [old, new, unknown],
    ).fetchone()
    assert found == (new, new, unknown, None)
    rows = connection.execute("select * from uuidmig.id_map where old = %s", [old]).fetchall()
    assert rows == [("public.parents", old, new)]
    assert connection.execute("select count(*) from uuidmig.id_map").fetchone() == (5,)


def test_the_map_outlives_a_replay_into_the_old_tables(connection: Connection) -> None:
    """While a rollback is under way the retired rows change, the keys of the cutover do not."""
    old = key(connection, "parents", "name = 'a'")
    migration = cut_over(connection)
    new = key(connection, "parents", "name = 'a'")
    connection.execute("update parents set created_at = '2011-11-11'")
    migration.call("fill_key_map")
    migration.call("drain_back")
    assert connection.execute("select uuidmig_keys.current_key(%s)", [old]).fetchone() == (new,)
    connection.execute("insert into children (n, parent_id) values (3, %s)", [old])
    migration.rollback()
    assert key(connection, "parents", "name = 'a'") == old
    row = connection.execute("select parent_id from children where n = 3").fetchone()
    assert row == (old,)


def test_old_rows_do_not_answer_for_an_empty_map(connection: Connection) -> None:
    """A table without rows at the cutover has no old keys, whatever a replay brings into it."""
    connection.execute("truncate parents cascade")
    migration = cut_over(connection)
    born = uuid4()
    connection.execute("insert into parents (id, name) values (%s, 'late')", [born])
    migration.call("fill_key_map")
    migration.call("drain_back")
    connection.execute("insert into children (n, parent_id) values (5, %s)", [born])
    row = connection.execute("select parent_id from children where n = 5").fetchone()
    assert row == (born,)


def test_a_key_shared_by_rows_of_other_times_is_left_alone(connection: Connection) -> None:
    """Better an error of the application's own than a reference to the wrong row."""
    shared = key(connection, "tenants", "name = 'x'")
    connection.execute("alter table tenants alter id set default gen_random_uuid()")
    cut_over(connection)
    found = connection.execute("select count(distinct id) from tenants").fetchone()
    assert found == (2,)
    query = "select uuidmig_keys.current_key(%s)"
    assert connection.execute(query, [shared]).fetchone() == (shared,)
