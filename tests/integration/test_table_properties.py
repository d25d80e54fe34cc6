"""Row types, tablespaces and what a session's defaults must not change, through the life cycle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase, TestServer
from tests.steps_driver import Migration, plan_again
from uuidmig import finish, migrate, rollback
from uuidmig.engine.planning import make_plan
from uuidmig.planner.model import Plan, PlanOptions
from uuidmig.steps.all_steps import steps_through_cutover

ROW_TYPES: LiteralString = """
    alter default privileges grant usage on types to pg_monitor;
    create table "Orders" (id uuid primary key default gen_random_uuid(), n int);
    create table plain (id uuid primary key default gen_random_uuid());
    create table closed (id uuid primary key default gen_random_uuid());
    alter default privileges revoke usage on types from public, pg_monitor;
    create table items (id uuid primary key default gen_random_uuid(), o uuid references "Orders");
    revoke usage on type "Orders" from public;
    grant usage on type "Orders" to pg_read_all_stats with grant option;
    revoke all on type closed from public, app_owner;
    comment on type "Orders" is 'a row of ''orders'', 100 %';
    insert into "Orders" (n) select generate_series(1, 9)"""


def row_types(connection: psycopg.Connection[Any]) -> dict[str, tuple[Any, ...]]:
    """What pg_dump does not tell: privileges and comment of each row type."""
    rows = connection.execute("""
        select c.relname, c.relname, obj_description(t.oid, 'pg_type'),
            array(select a.grantee::regrole || a.privilege_type || a.is_grantable
                  from aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) a order by 1)
        from pg_class c join pg_type t on t.oid = c.reltype
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'""").fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}


def test_row_types(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(ROW_TYPES)
        wanted, before = row_types(connection), schema_dump(database)
        assert "100 %" in str(wanted["Orders"])
        migration = Migration.of(connection)
        migration.run_to_cutover()
        assert row_types(connection) == wanted
        assert connection.execute('select (o).n from "Orders" o').fetchall()
        migration.rollback()
        assert row_types(connection) == wanted
        migration.abort()
        assert row_types(connection) == wanted
        migration = plan_again(migration)
        migration.run_to_cutover()
        migration.validate()
        migration.finish()
        assert row_types(connection) == wanted
        assert_same(finished_dump(database), with_new_defaults(before, migration.plan))


@pytest.fixture
def places(server: TestServer) -> Iterator[dict[str, sql.Identifier]]:
    """Two tablespaces; they outlive the database of the test."""
    names = {name: f"{name} {uuid4().hex[:8]}" for name in ("fast", "slow")}
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute("set allow_in_place_tablespaces = on")
        for name in names.values():
            quoted = sql.Identifier(name)
            admin.execute(sql.SQL("CREATE TABLESPACE {} LOCATION ''").format(quoted))
            admin.execute(sql.SQL("GRANT CREATE ON TABLESPACE {} TO app_owner").format(quoted))
        yield {key: sql.Identifier(name) for key, name in names.items()}
        for name in names.values():
            admin.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(name)))


PLACED = """
    create table here (id uuid primary key default gen_random_uuid(), t text);
    create table there (id uuid primary key using index tablespace {slow}
            default gen_random_uuid(),
        here uuid references here, body text, n int, unique (n) using index tablespace {fast},
        exclude using btree (n with =) using index tablespace {slow}) tablespace {fast};
    create index "in home" on there (n) where body <> ' WHERE 1';
    create index "in slow" on there (lower(body)) include (n) with (fillfactor = 70)
        tablespace {slow} where body is distinct from ' TABLESPACE x WHERE y';
    create table parts (id uuid default gen_random_uuid(), n int,
        primary key (id, n) using index tablespace {fast}) partition by range (n) tablespace {slow};
    create table parts_1 partition of parts for values from (0) to (5);
    create table parts_2 partition of parts default tablespace {fast};
    create index "of parts" on parts (n) tablespace {slow};
    create index "of one" on parts_1 (n, id) tablespace {fast};
    insert into parts (n) select generate_series(1, 9);
    insert into here (t) select 'x' from generate_series(1, 9);
    insert into there (here, body, n) select id, repeat('long', 4000), row_number() over ()
        from here"""

_LIE: LiteralString = """
    select c.relname, c.relkind, s.spcname, toast.spcname, m.amname
    from pg_class c
    left join pg_tablespace s on s.oid = c.reltablespace
    left join pg_am m on m.oid = c.relam
    left join pg_class t on t.oid = c.reltoastrelid
    left join pg_tablespace toast on toast.oid = t.reltablespace
    where c.relnamespace = 'public'::regnamespace
    order by 1"""


def test_tablespaces_whatever_the_defaults(
    places: dict[str, sql.Identifier], database: TestDatabase
) -> None:
    with (
        database.connect(autocommit=True) as connection,
        database.connect_admin(autocommit=True) as admin,
    ):
        connection.execute(sql.SQL(PLACED).format(**places))
        lie, before = connection.execute(_LIE).fetchall(), schema_dump(database)
        assert {row[2] for row in lie} == {None, *(p.as_string()[1:-1] for p in places.values())}
        admin.execute("create access method other type table handler heap_tableam_handler")
        for setting, value in (
            (sql.Identifier("default_tablespace"), places["slow"]),
            (sql.Identifier("default_table_access_method"), sql.SQL("other")),
        ):
            name = sql.Identifier(database.name)
            admin.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(name, setting, value))
        plan = make_plan(database.dsn, PlanOptions())
        migrate(database.dsn)
        assert connection.execute(_LIE).fetchall() == lie
        rollback(database.dsn)
        assert connection.execute(_LIE).fetchall() == lie
        migrate(database.dsn)
        finish(database.dsn)
        assert connection.execute(_LIE).fetchall() == lie
        assert connection.execute("select length(max(body)) from there").fetchone() == (16000,)
        admin.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))
        admin.execute("drop access method other")
        assert_same(finished_dump(database), with_new_defaults(before, plan))


def test_a_tablespace_one_may_not_use(
    places: dict[str, sql.Identifier], database: TestDatabase
) -> None:
    with (
        database.connect(autocommit=True) as connection,
        database.connect_admin(autocommit=True) as admin,
    ):
        connection.execute(sql.SQL(PLACED).format(**places))
        admin.execute(
            sql.SQL("REVOKE CREATE ON TABLESPACE {} FROM app_owner").format(places["slow"])
        )
        refusals = make_plan(database.dsn, PlanOptions()).refusals
    assert [(hazard.code, hazard.object) for hazard in refusals] == [
        ("missing-right", f"tablespace {places['slow'].as_string()}")
    ]


def test_a_change_meanwhile_is_drift(
    places: dict[str, sql.Identifier], database: TestDatabase
) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(PLACED).format(**places))
        migration = Migration.of(connection)
        migration.prepare()
        migration.fill()
        for change in (
            sql.SQL("GRANT USAGE ON TYPE here TO pg_monitor"),
            sql.SQL("COMMENT ON TYPE there IS 'new'"),
            sql.SQL("ALTER INDEX {} SET TABLESPACE {}").format(
                sql.Identifier("in home"), places["fast"]
            ),
            sql.SQL("ALTER TABLE here SET TABLESPACE {}").format(places["slow"]),
        ):
            with connection.transaction(force_rollback=True):
                connection.execute(change)
                with pytest.raises(psycopg.errors.ObjectInUse, match="changed since prepare"):
                    migration.cutover()


def test_the_way_out_of_a_typed_table(database: TestDatabase) -> None:
    """What the refusal says: NOT OF until finish, then OF again."""
    with database.connect(autocommit=True) as connection:
        connection.execute("""
            create type row_of as (id uuid, n int);
            create table typed of row_of (id primary key default gen_random_uuid());
            insert into typed (n) select generate_series(1, 9)""")
        (refusal,) = make_plan(database.dsn, PlanOptions()).refusals
        assert (refusal.code, refusal.object) == ("unsupported-typed-table", "type public.row_of")
        assert refusal.remedy == "ALTER TABLE ... NOT OF, and ALTER TABLE ... OF after finish"
        connection.execute("alter table typed not of")
        migrate(database.dsn)
        finish(database.dsn)
        connection.execute("alter table typed of row_of")
        assert connection.execute("select count(*) from typed").fetchone() == (9,)


def test_the_script_leaves_the_session_as_it_was(
    places: dict[str, sql.Identifier], database: TestDatabase
) -> None:
    """psql goes on after the builds, and so may whoever included the script."""
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(PLACED).format(**places))
        changed = """select name, setting from pg_settings where source = 'session'
            and name <> 'transaction_isolation' order by 1"""
        before = connection.execute(changed).fetchall()
        for step in applied(connection, make_plan(database.dsn, PlanOptions())):
            assert connection.execute(changed).fetchall() == before, step


def applied(connection: psycopg.Connection[Any], plan: Plan) -> Iterator[str]:
    for step in steps_through_cutover(plan):
        with connection.transaction() if step.transactional else nullcontext():
            for statement in step.apply:
                connection.execute(statement.text.encode())
        yield step.id
