"""What mirrors or sums up a table from outside goes on working, whichever tables are live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import finish, migrate, rollback
from uuidmig.engine.planning import make_plan
from uuidmig.planner.model import PlanOptions

STEPS: tuple[Callable[[str], object], ...] = (migrate, rollback, migrate, finish)

ORDERS: LiteralString = """
    create table orders (id uuid primary key default gen_random_uuid(), n int);
    create table items (id uuid primary key default gen_random_uuid(), o uuid references orders);
    insert into orders (n) select generate_series(1, 50);
    insert into items (o) select id from orders"""

MIRROR = """
    create extension postgres_fdw;
    create server loop foreign data wrapper postgres_fdw
        options (host {host}, port {port}, dbname {dbname});
    create user mapping for current_user server loop options (user {user});
    create schema mirror;
    import foreign schema public from server loop into mirror"""


def test_a_foreign_table_that_mirrors_a_table(database: TestDatabase) -> None:
    parts = conninfo_to_dict(database.admin_dsn)
    options = {
        name: sql.Literal(str(parts.get(name) or "postgres"))
        for name in ("host", "port", "dbname", "user")
    }
    with (
        database.connect(autocommit=True) as connection,
        database.connect_admin(autocommit=True) as admin,
    ):
        connection.execute(ORDERS)
        admin.execute(sql.SQL(MIRROR).format(**options))
        before = schema_dump(database)
        plan = make_plan(database.dsn, PlanOptions())
        assert plan.refusals == ()
        for number, step in enumerate(STEPS, start=1):
            step(database.dsn)
            admin.execute("insert into mirror.orders (id, n) values (gen_random_uuid(), 0)")
            admin.execute(
                "insert into mirror.items select gen_random_uuid(), id"
                " from mirror.orders where n = 0 limit 1"
            )
            joined = admin.execute(
                "select count(*), min(o.id::text) from mirror.orders o join mirror.items i"
                " on i.o = o.id"
            ).fetchone()
            live = connection.execute("select count(*), min(o::text) from items").fetchone()
            assert joined == live
            assert joined is not None
            assert joined[0] == 50 + number
        assert_same(finished_dump(database), with_new_defaults(before, plan))


TOTALS: LiteralString = """
    create table customers (id uuid primary key default gen_random_uuid());
    create table payments (id uuid primary key default gen_random_uuid(),
        customer uuid not null references customers, amount int not null);
    create table totals (customer uuid primary key references customers, amount bigint not null);
    create table grand_total (one int primary key default 1, amount bigint not null);
    insert into grand_total values (1, 0);
    create function add_up() returns trigger language plpgsql as $$
    begin
        if tg_op in ('UPDATE', 'DELETE') then
            update totals set amount = amount - old.amount where customer = old.customer;
            update grand_total set amount = amount - old.amount;
        end if;
        if tg_op in ('UPDATE', 'INSERT') then
            insert into totals values (new.customer, new.amount)
                on conflict (customer) do update set amount = totals.amount + excluded.amount;
            update grand_total set amount = amount + new.amount;
        end if;
        return null;
    end $$;
    create trigger add_up after insert or update or delete on payments
        for each row execute function add_up();
    insert into customers select from generate_series(1, 20);
    insert into payments (customer, amount) select id, 7 from customers;
    insert into payments (customer, amount) select id, 5 from customers limit 10"""


def work(connection: psycopg.Connection[Any]) -> None:
    connection.execute("""
        insert into payments (customer, amount) select id, 3 from customers order by id limit 4;
        update payments set amount = amount + 1 where amount = 5;
        delete from payments where amount = 7 and customer in
            (select id from customers order by id desc limit 1)""")


def test_a_table_that_triggers_keep(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(TOTALS)
        before = schema_dump(database)
        plan = make_plan(database.dsn, PlanOptions())
        for step in STEPS:
            step(database.dsn)
            work(connection)
            wrong = connection.execute("""
                select customer, sum(amount) from payments group by 1 except table totals
                union all select null, sum(amount) from payments except
                    select null, amount from grand_total""").fetchall()
            assert wrong == []
        assert_same(finished_dump(database), with_new_defaults(before, plan))
