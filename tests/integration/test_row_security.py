"""Row level security through the whole life cycle: who sees what stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import OWNER, TestDatabase
from tests.steps_driver import Migration, make_plan, plan_again
from uuidmig import finish, migrate, rollback
from uuidmig.engine.planning import make_plan as make_engine_plan
from uuidmig.planner.model import PlanOptions

SCHEMA = """
create schema "The Shop";
create table "The Shop".orders (id uuid primary key default gen_random_uuid(), tenant text not null,
    total int, created_at timestamptz not null default clock_timestamp());
create table "The Shop".items (id uuid primary key default gen_random_uuid(),
    order_id uuid not null references "The Shop".orders, n int);
create table remarks (number int primary key, tenant text, total int);
insert into remarks
    select i, case i % 2 when 0 then 'a' else 'b' end, i from generate_series(1, 50) i;
insert into "The Shop".orders (tenant, total)
    select case i % 3 when 0 then 'a' else 'b' end, i from generate_series(1, 60) i;
insert into "The Shop".items (order_id, n) select id, total from "The Shop".orders;
grant usage on schema "The Shop" to {reader}, {writer};
grant select, insert, update, delete on "The Shop".orders, "The Shop".items, remarks
    to {reader}, {writer};
alter table "The Shop".orders enable row level security;
alter table "The Shop".items enable row level security;
alter table remarks enable row level security;
create policy "own tenant" on "The Shop".orders for select
    using (tenant = current_setting('shop.tenant'));
create policy writes on "The Shop".orders as permissive for all to {writer}
    using (tenant = current_setting('shop.tenant'))
    with check (tenant = current_setting('shop.tenant'));
create policy "small only" on "The Shop".orders as restrictive for update to {writer}, {reader}
    using (total < 50) with check (total < 1000);
create policy "no deletes" on "The Shop".orders as restrictive for delete to public using (false);
comment on policy "own tenant" on "The Shop".orders is 'what a tenant''s 100 % is';
create policy of_orders on "The Shop".items using (exists (
    select from "The Shop".orders o
    where o.id = order_id and o.tenant = current_setting('shop.tenant')));
create policy ins on "The Shop".items for insert to {writer} with check (n > 0);
create policy seen on remarks for select using (total in (select o.total from "The Shop".orders o));
create policy added on remarks for insert with check (
    number > 0 and exists (select from "The Shop".orders o where o.tenant = remarks.tenant));
"""

SEEN = """select (select count(*) from "The Shop".orders), (select count(*) from "The Shop".items),
    (select count(*) from remarks)"""


@pytest.fixture
def roles(database: TestDatabase) -> Iterator[dict[str, sql.Identifier]]:
    suffix = uuid4().hex[:8]
    names = {name: sql.Identifier(f"{name} {suffix}") for name in ("reader", "writer")}
    with database.connect_admin(autocommit=True) as admin:
        for name in names.values():
            admin.execute(sql.SQL("CREATE ROLE {}").format(name))
        yield names
        for name in names.values():
            admin.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(name, name))


@pytest.fixture
def application(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    """A session that has seen it all: its plans were made before the cutover."""
    with database.connect_admin(autocommit=True) as connection:
        yield connection


def seen(
    application: psycopg.Connection[Any], role: sql.Identifier, tenant: str
) -> tuple[Any, ...] | None:
    application.execute("select set_config('shop.tenant', %s, false)", [tenant])
    application.execute(sql.SQL("SET ROLE {}").format(role))
    try:
        return application.execute(SEEN, prepare=True).fetchone()
    finally:
        application.execute("RESET ROLE")


def check_policies(application: psycopg.Connection[Any], roles: dict[str, sql.Identifier]) -> None:
    """Every policy does what it says, whichever tables are live."""
    assert seen(application, roles["reader"], "a") == (20, 20, 16)
    assert seen(application, roles["writer"], "b") == (40, 40, 34)
    assert seen(application, roles["reader"], "nobody") == (0, 0, 0)
    application.execute(sql.SQL("SET ROLE {}").format(roles["writer"]))
    for refused in (
        """insert into "The Shop".orders (tenant) values ('a')""",
        """insert into remarks values (99, 'a', 1)""",
        """insert into "The Shop".items (order_id, n)
               select id, 0 from "The Shop".orders where false union all
               select '00000000-0000-4000-8000-000000000000', 0""",
        """update "The Shop".orders set total = 2000 where total = 1""",
    ):
        application.execute("select set_config('shop.tenant', 'b', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            application.execute(refused)
    assert application.execute('update "The Shop".orders set total = total').rowcount == 33
    assert application.execute('delete from "The Shop".orders').rowcount == 0
    application.execute("RESET ROLE")


def write(application: psycopg.Connection[Any], writer: sql.Identifier) -> None:
    """A writer whom policies restrict, and who has no right on our objects; nothing is left."""
    application.execute("select set_config('shop.tenant', 'b', false)")
    application.execute(sql.SQL("SET ROLE {}").format(writer))
    application.execute("""
        insert into "The Shop".orders (tenant, total) values ('b', -1);
        insert into "The Shop".items (order_id, n) select id, 1 from "The Shop".orders
            where total = -1;
        update "The Shop".items set n = 2 where order_id in
            (select id from "The Shop".orders where total in (-1, 2));
        update "The Shop".orders set created_at = created_at - interval '1 day' where total = 2;
        delete from "The Shop".items where order_id in
            (select id from "The Shop".orders where total = -1)""")
    application.execute("RESET ROLE")
    application.execute('delete from "The Shop".orders where total = -1')


def test_life_cycle(
    database: TestDatabase,
    roles: dict[str, sql.Identifier],
    application: psycopg.Connection[Any],
) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(SCHEMA).format(**roles))
        before = schema_dump(database)
        check_policies(application, roles)
        migration = Migration.of(connection)
        assert [p.name for p in migration.plan.outside_policies] == ["added", "seen"]
        migration.prepare()
        migration.fill(lambda: write(application, roles["writer"]))
        check_policies(application, roles)
        migration.cutover()
        check_policies(application, roles)
        migration.validate()
        write(application, roles["writer"])
        check_policies(application, roles)
        migration.rollback()
        check_policies(application, roles)
        migration.abort()
        check_policies(application, roles)
        assert_same(schema_dump(database), before)

        migration = plan_again(migration)
        migration.run_to_cutover()
        migration.validate()
        check_policies(application, roles)
        migration.finish()
        check_policies(application, roles)
        assert_same(finished_dump(database), with_new_defaults(before, migration.plan))


def test_an_old_key_is_translated_before_a_check_sees_it(
    database: TestDatabase,
    roles: dict[str, sql.Identifier],
    application: psycopg.Connection[Any],
) -> None:
    """A policy that looks the parent up finds it, though the writer remembers its old key."""
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(SCHEMA).format(**roles))
        migration = Migration.of(connection)
        old = connection.execute('select id from "The Shop".orders where total = 1').fetchone()
        assert old is not None
        migration.run_to_cutover()
        application.execute("select set_config('shop.tenant', 'b', false)")
        application.execute(sql.SQL("SET ROLE {}").format(roles["reader"]))
        application.execute('insert into "The Shop".items (order_id, n) values (%s, 1)', old)


def test_a_changed_policy_is_drift(
    database: TestDatabase, roles: dict[str, sql.Identifier]
) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(SCHEMA).format(**roles))
        migration = Migration.of(connection)
        migration.prepare()
        migration.fill()
        for change in (
            'alter policy "no deletes" on "The Shop".orders using (total = 0)',
            "alter policy seen on remarks using (total > 0 and total in"
            ' (select o.total from "The Shop".orders o))',
        ):
            with connection.transaction(force_rollback=True):
                connection.execute(change)
                with pytest.raises(psycopg.errors.ObjectInUse, match="changed since prepare"):
                    migration.cutover()


FORCED = 'alter table "The Shop".orders force row level security'


def test_forced_with_a_role_that_bypasses_it(
    database: TestDatabase,
    roles: dict[str, sql.Identifier],
    application: psycopg.Connection[Any],
) -> None:
    """No superuser: a member of the owner with BYPASSRLS. The owner itself sees what it may."""
    name = f"runner_{uuid4().hex[:8]}"
    runner = sql.Identifier(name)
    application.execute(
        sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS PASSWORD 'x'; GRANT {} TO {}").format(
            runner, sql.Identifier(OWNER), runner
        )
    )
    dsn = make_conninfo(database.dsn, user=name, password="x")
    try:
        with database.connect(autocommit=True) as connection:
            connection.execute(sql.SQL(SCHEMA).format(**roles))
            connection.execute(FORCED)
            before = schema_dump(database)
            owner = sql.Identifier(OWNER)
            assert seen(application, owner, "a") == (20, 60, 50)
            migrate(dsn)
            check_policies(application, roles)
            assert seen(application, owner, "a") == (20, 60, 50)
            write(application, roles["writer"])
            rollback(dsn)
            check_policies(application, roles)
            assert seen(application, owner, "a") == (20, 60, 50)
            plan = make_engine_plan(dsn, PlanOptions())
            migrate(dsn)
            finish(dsn)
            check_policies(application, roles)
            assert seen(application, owner, "a") == (20, 60, 50)
            assert_same(finished_dump(database), with_new_defaults(before, plan))
    finally:
        application.execute(
            sql.SQL("REASSIGN OWNED BY {} TO {}; DROP OWNED BY {}; DROP ROLE {}").format(
                runner, sql.Identifier(OWNER), runner, runner
            )
        )


def test_retired_tables_show_nothing_to_others(
    database: TestDatabase,
    roles: dict[str, sql.Identifier],
    application: psycopg.Connection[Any],
) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(SCHEMA).format(**roles))
        migration = Migration.of(connection)
        migration.run_to_cutover()
        application.execute(sql.SQL("SET ROLE {}").format(roles["reader"]))
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="denied for schema"):
            application.execute('select from "The Shop__uuid4".orders')
        migration.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="denied for schema"):
            application.execute('select from "The Shop__uuid7".orders')


def test_a_policy_of_somebody_elses_table(
    database: TestDatabase,
    roles: dict[str, sql.Identifier],
    application: psycopg.Connection[Any],
) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL(SCHEMA).format(**roles))
        application.execute("alter table remarks owner to postgres")
        plan = make_plan(connection)
    refused = {(hazard.code, hazard.object) for hazard in plan.refusals}
    assert refused == {
        ("unsupported-policy", "policy added on public.remarks"),
        ("unsupported-policy", "policy seen on public.remarks"),
    }
