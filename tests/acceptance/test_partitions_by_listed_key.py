"""Writers at work on a table partitioned by list of a key, there, back, there again and finished.

They go on inserting by the tenants' keys that they read in the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from tests.numbered_writers import NUMBERS, NumberedWriter, at_work, require_no_errors
from tests.schema_dump import (
    assert_same,
    finished_dump,
    schema_dump,
    with_new_bounds,
    with_new_defaults,
)
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, finish, make_plan, migrate, rollback

Connection = psycopg.Connection[Any]
OPTIONS = RunOptions(batch=500)
TENANTS = 6

SCHEMA: LiteralString = """
create table tenants (
    id uuid primary key, number int not null unique,
    created_at timestamptz not null default clock_timestamp()
);
insert into tenants select format('%s0000000-0000-4000-8000-00000000000%s', n, n)::uuid, n,
    timestamptz '2022-01-01' + n * interval '1 day' from generate_series(1, 6) n;
create table orders (
    tenant_id uuid not null references tenants on update cascade, number bigint not null,
    id uuid not null default gen_random_uuid(), amount int not null, tenant int not null,
    created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id)
) partition by list (tenant_id);
create index on orders (number);
create table orders_1 partition of orders for values in ('10000000-0000-4000-8000-000000000001');
create table orders_2 partition of orders for values in (
    '20000000-0000-4000-8000-000000000002', '30000000-0000-4000-8000-000000000003');
create table orders_rest partition of orders default;
insert into orders (tenant_id, number, amount, tenant)
select t.id, n, 5, t.number from tenants t, generate_series(1, 3000) n;
"""

MISPLACED: LiteralString = """
select count(*) from orders o join tenants t on t.id = o.tenant_id
where t.number <> o.tenant or o.tableoid::regclass::text <>
    case t.number when 1 then 'orders_1' when 2 then 'orders_2' when 3 then 'orders_2'
    else 'orders_rest' end"""


class Writer(NumberedWriter):
    """Inserts rows, moves them to other tenants and deletes some; knows what must be there."""

    def __init__(self, dsn: str, number: int, remembered: dict[int, UUID]) -> None:
        super().__init__(dsn, number)
        self.remembered = remembered

    def work(self, connection: Connection, number: int) -> None:
        tenant = 1 + number % TENANTS
        connection.execute(
            "insert into orders (tenant_id, number, amount, tenant) values (%s, %s, 1, %s)",
            [self.remembered[tenant], number, tenant],
        )
        self.expected[number] = tenant
        earlier = number - 7
        if number % 5 == 0 and earlier in self.expected:
            connection.execute("delete from orders where number = %s", [earlier])
            del self.expected[earlier]
        elif number % 3 == 0 and earlier in self.expected:
            other = 1 + (number // 3) % TENANTS
            connection.execute(
                "update orders set tenant_id = %s, tenant = %s where number = %s",
                [self.remembered[other], other, earlier],
            )
            self.expected[earlier] = other


def check(owner: Connection, threads: Sequence[Writer]) -> None:
    expected = require_no_errors(threads)
    assert owner.execute(MISPLACED).fetchone() == (0,)
    rows = owner.execute("select number, tenant from orders where number >= 2000000").fetchall()
    assert dict(rows) == expected
    assert len(rows) == len(expected)
    assert owner.execute("select count(*) from orders where number <= 3000").fetchone() == (18000,)


def test_under_load(database: TestDatabase) -> None:
    with database.connect(autocommit=True, application_name="uuidmig:test") as owner:
        owner.execute(SCHEMA)
        before = schema_dump(database)
        plan = make_plan(database.dsn, PlanOptions())
        remembered: dict[int, UUID] = dict(
            owner.execute("select number, id from tenants").fetchall()
        )
        writers = [Writer(database.dsn, number, remembered) for number in NUMBERS]
        with at_work(writers) as threads:
            migrate(database.dsn, run_options=OPTIONS)
            rollback(database.dsn)
            migrate(database.dsn, run_options=OPTIONS)
        check(owner, threads)
        finish(database.dsn)
        check(owner, threads)
        expected = with_new_bounds(with_new_defaults(before, plan), plan, owner)
        assert_same(finished_dump(database), expected)
