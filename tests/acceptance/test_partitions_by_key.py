"""Writers at work on tables partitioned by hash or range of a key, there, back and there again.

Besides inserts, updates that move rows and deletes, single partitions are emptied all the time; a
table that stays as it is says what must be left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.by_range import by_range
from tests.numbered_writers import NUMBERS, NumberedWriter, at_work, require_no_errors
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, finish, make_plan, migrate, rollback

Connection = psycopg.Connection[Any]
OPTIONS = RunOptions(batch=500)
VISITS = ("visits_0", "visits_1", "visits_2")

SCHEMA: LiteralString = """
create table customers (
    id uuid primary key default gen_random_uuid(), number bigint not null,
    created_at timestamptz not null default clock_timestamp()
) partition by hash (id);
create table customers_0 partition of customers for values with (modulus 2, remainder 0);
create table customers_1 partition of customers for values with (modulus 2, remainder 1);
create table orders (
    id uuid not null default gen_random_uuid(), number bigint not null,
    customer_id uuid not null references customers, amount int not null,
    created_at timestamptz not null, primary key (id, created_at)
) partition by range (created_at);
create index on orders (number);
create table orders_2023 partition of orders for values from ('2023-01-01') to ('2024-01-01')
    partition by hash (id);
create table orders_2023_0 partition of orders_2023 for values with (modulus 2, remainder 0);
create table orders_2023_1 partition of orders_2023 for values with (modulus 2, remainder 1);
create table orders_2024 partition of orders for values from ('2024-01-01') to ('2025-01-01')
    partition by hash (id);
create table orders_2024_0 partition of orders_2024 for values with (modulus 3, remainder 0);
create table orders_2024_1 partition of orders_2024 for values with (modulus 3, remainder 1);
create table orders_2024_2 partition of orders_2024 for values with (modulus 3, remainder 2);
create table orders_rest partition of orders default;
create table items (
    order_id uuid not null, order_created_at timestamptz not null, position int not null,
    primary key (order_id, order_created_at, position),
    foreign key (order_id, order_created_at) references orders on delete cascade
) partition by hash (order_id);
create table items_0 partition of items for values with (modulus 2, remainder 0);
create table items_1 partition of items for values with (modulus 2, remainder 1);
create table visits (
    customer_id uuid not null references customers, number bigint not null,
    primary key (customer_id, number)
) partition by hash (customer_id);
create table visits_0 partition of visits for values with (modulus 3, remainder 0);
create table visits_1 partition of visits for values with (modulus 3, remainder 1);
create table visits_2 partition of visits for values with (modulus 3, remainder 2);
create table mirror (number bigint primary key);

insert into customers (number, created_at)
select n, timestamptz '2022-01-01' + n * interval '1 minute' from generate_series(1, 5000) n;
insert into orders (number, customer_id, amount, created_at)
select number, id, 5, timestamptz '2023-01-01' + number * interval '5 hours' from customers;
insert into items select id, created_at, p from orders, generate_series(1, 2) p;
insert into visits select id, number from customers;
insert into mirror select number from visits;
"""


class Writer(NumberedWriter):
    """Inserts, moves and deletes rows, empties partitions, and counts what must be there."""

    pause_seconds = 0.01

    def work(self, connection: Connection, number: int) -> None:
        with connection.transaction():
            connection.execute(
                "with new as (insert into customers (number) values (%s) returning id)"
                " insert into visits select id, %s from new",
                [number, number],
            )
            connection.execute("insert into mirror values (%s)", [number])
            connection.execute(
                "insert into orders (number, customer_id, amount, created_at)"
                " select %s, id, 1, %s from customers where number = %s",
                [number, f"{2022 + number % 4}-{1 + number % 12:02}-05", 1 + number % 5000],
            )
            connection.execute(
                "insert into items select id, created_at, p from orders, generate_series(1, 2) p"
                " where number = %s",
                [number],
            )
        self.expected[number] = 1
        self.change(connection, number, number - 3)
        # Not more often: what reads whole tables starts again each time, and has to end some day.
        if self.transactions % 120 == 20 * (self.number - 1):
            self.empty(connection, VISITS[(self.number + self.transactions // 120) % 3])

    def change(self, connection: Connection, number: int, earlier: int) -> None:
        if earlier not in self.expected:
            return
        if number % 4 == 0:
            connection.execute("delete from orders where number = %s", [earlier])
            del self.expected[earlier]
            return
        connection.execute("update orders set amount = amount + 1 where number = %s", [earlier])
        self.expected[earlier] += 1
        # another key for the customer, and for all that references it
        connection.execute(
            "update customers set created_at = created_at - interval '1 day' where number = %s",
            [earlier],
        )

    def empty(self, connection: Connection, partition: str) -> None:
        name = sql.Identifier(partition)
        with connection.transaction():
            connection.execute(sql.SQL("lock table {} in access exclusive mode").format(name))
            connection.execute(
                sql.SQL("delete from mirror where number in (select number from {})").format(name)
            )
            connection.execute(sql.SQL("truncate {}").format(name))


@pytest.fixture(params=["hash", "range"])
def owner(database: TestDatabase, request: pytest.FixtureRequest) -> Iterator[Connection]:
    schema = SCHEMA if request.param == "hash" else by_range(SCHEMA)
    with database.connect(autocommit=True, application_name="uuidmig:test") as connection:
        connection.execute(schema.encode())
        yield connection


def count(owner: Connection, query: LiteralString) -> int:
    row = owner.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def check(owner: Connection, threads: Sequence[Writer]) -> None:
    expected = require_no_errors(threads)
    rows = owner.execute("select number, amount from orders where number >= 2000000").fetchall()
    assert dict(rows) == expected
    assert len(rows) == len(expected)
    assert count(owner, "select count(*) from items") == 2 * (len(rows) + 5000)
    different: LiteralString = """select count(*) from mirror m full join
        (select v.number from visits v join customers c on c.id = v.customer_id) v using (number)
        where m.number is null or v.number is null"""
    assert count(owner, different) == 0
    assert count(owner, "select count(*) from mirror") < 5000 + sum(t.transactions for t in threads)


def test_under_load(database: TestDatabase, owner: Connection) -> None:
    before = schema_dump(database)
    plan = make_plan(database.dsn, PlanOptions())
    old: LiteralString = """select count(*) from (select id from orders union all
        select order_id from items union all select customer_id from visits) k (id)
        where get_byte(uuid_send(id), 6) & 240 <> 112"""
    with at_work([Writer(database.dsn, number) for number in NUMBERS]) as threads:
        migrate(database.dsn, run_options=OPTIONS)
        assert count(owner, old) == 0
        rollback(database.dsn)
        assert count(owner, old) > 5000
        migrate(database.dsn, run_options=OPTIONS)
    check(owner, threads)
    finish(database.dsn)
    check(owner, threads)
    assert count(owner, old) == 0
    assert_same(finished_dump(database), with_new_defaults(before, plan))
