"""What hangs on partitioned tables and on single partitions, through the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from tests.scenarios.read import SCENARIOS
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, cutover, finish, make_plan, migrate, rollback
from uuidmig.errors import PreflightRefused, SchemaDrift

Connection = psycopg.Connection[Any]
COMBINED = SCENARIOS["partitions_combined"]

# By what people call it; soft references that are no key show as such.
PICTURE: LiteralString = """
select 'orders', o.tableoid::regclass::text, c.name, o.amount::text, o.created_at::text
from orders o join customers c on c.id = o.customer_id
union all
select 'audit', a.tableoid::regclass::text, e.name, a.number::text, x.name
from audit a left join customers e on e.id = a.entity and a.kind = 'customer'
left join customers x on x.id = a.actor
where a.kind = 'customer' or a.actor is not null
order by 1, 2, 3, 4, 5"""

ORDERS: LiteralString = """
create table orders (
    id uuid not null default gen_random_uuid(), created_at timestamptz not null,
    primary key (id, created_at)) partition by range (created_at);
create schema archive;
create table archive.old partition of orders for values from ('2023-01-01') to ('2024-01-01');
create table orders_rest partition of orders default;
insert into orders (created_at) select timestamptz '2023-06-01' + n * interval '1 day'
from generate_series(1, 300) n;
"""


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as connection:
        yield connection


def execute(connection: Connection, text: str) -> None:
    connection.execute(text.encode())


def refused(database: TestDatabase, options: PlanOptions | None = None) -> list[tuple[str, str]]:
    plan = make_plan(database.dsn, options or PlanOptions())
    with pytest.raises(PreflightRefused):
        migrate(database.dsn, options or PlanOptions())
    return [(hazard.code, hazard.object) for hazard in plan.refusals]


def test_all_of_it_there_and_back_and_there_for_good(
    database: TestDatabase, owner: Connection
) -> None:
    owner.execute(COMBINED.setup)
    before, picture = schema_dump(database), owner.execute(PICTURE).fetchall()
    plan = make_plan(database.dsn, COMBINED.options)
    assert plan.refusals == ()
    migrate(database.dsn, COMBINED.options)
    assert owner.execute(PICTURE).fetchall() == picture
    owner.execute(COMBINED.after_cutover)
    changed = owner.execute(PICTURE).fetchall()
    assert changed != picture
    rollback(database.dsn)
    assert owner.execute(PICTURE).fetchall() == changed
    abort(database.dsn)
    assert_same(schema_dump(database), before)
    migrate(database.dsn, COMBINED.options)
    finish(database.dsn)
    assert owner.execute(PICTURE).fetchall() == changed
    assert_same(finished_dump(database), with_new_defaults(before, plan))


def test_row_security_forced_on_a_partition_alone(
    database: TestDatabase, owner: Connection
) -> None:
    """The copy reads the partition by its own name, where no policy shows a row to its owner."""
    owner.execute(ORDERS)
    owner.execute("alter table archive.old enable row level security")
    owner.execute("alter table archive.old force row level security")
    migrate(database.dsn)
    finish(database.dsn)
    assert owner.execute("select count(*) from orders").fetchone() == (300,)
    assert owner.execute("select count(*) from archive.old").fetchone() == (0,)


def test_a_check_of_a_partition_alone_that_takes_no_new_key(
    database: TestDatabase, owner: Connection
) -> None:
    owner.execute(ORDERS)
    owner.execute("alter table archive.old add check (id::text like '________-____-4%')")
    assert refused(database) == [("rejects-new-keys", "archive.old.old_id_check")]


def test_late_writes_to_replaced_partitions_fail(database: TestDatabase, owner: Connection) -> None:
    owner.execute(ORDERS)
    statements: tuple[LiteralString, ...] = (
        "insert into {}.orders (id, created_at) values (gen_random_uuid(), '2023-05-05')",
        "delete from {}.orders",
        "truncate {}.orders",
        "update {}.orders_rest set created_at = created_at",
    )
    migrate(database.dsn)
    for statement in statements:
        with pytest.raises(errors.SerializationFailure):
            owner.execute(sql.SQL(statement).format(sql.Identifier("public__uuid4")))
    with pytest.raises(errors.SerializationFailure):
        owner.execute("delete from archive__uuid4.old")
    owner.execute("delete from orders where created_at < '2023-07-01'")
    rollback(database.dsn)
    for statement in statements:
        with pytest.raises(errors.SerializationFailure):
            owner.execute(sql.SQL(statement).format(sql.Identifier("public__uuid7")))
    owner.execute("delete from archive.old")
    owner.execute("truncate orders")


def test_undeclared_soft_references_of_partitioned_tables_are_named(
    database: TestDatabase, owner: Connection
) -> None:
    owner.execute(COMBINED.setup)
    plan = make_plan(database.dsn, PlanOptions())
    found = {h.object for h in plan.hazards if h.code == "undeclared-soft-reference"}
    assert found >= {"public.audit.entity", "public.audit.actor"}


def test_what_appears_on_a_partition_stops_the_cutover(
    database: TestDatabase, owner: Connection
) -> None:
    owner.execute(ORDERS)
    for made, gone in (
        ("create view v as select * from archive.old", "drop view v"),
        ("create policy p on archive.old", "drop policy p on archive.old"),
        (
            "create rule r as on delete to archive.old do also select 1",
            "drop rule r on archive.old",
        ),
    ):
        migrate(database.dsn, run_options=RunOptions(cutover="manual"))
        execute(owner, made)
        with pytest.raises(SchemaDrift):
            cutover(database.dsn)
        execute(owner, gone)
        cutover(database.dsn)
        rollback(database.dsn)
        abort(database.dsn)
