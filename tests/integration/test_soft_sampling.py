"""What samples say about columns without a foreign key: each type, its rate, its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest

from tests.servers import TestDatabase
from tests.steps_driver import Connection
from uuidmig import engine
from uuidmig.catalog.read import read_catalog
from uuidmig.catalog.samples import Limits
from uuidmig.engine.soft_sampling import sample_columns, sample_soft_references
from uuidmig.planner.model import Discriminator, Plan, PlanOptions, SoftReference
from uuidmig.planner.soft_hits import SampledColumn, ValueRate

SCHEMA: LiteralString = """
create type kind as enum ('order', 'customer', 'ticket');
create table customers (
    id uuid primary key default gen_random_uuid(), n int,
    created_at timestamptz not null default now()
);
create table orders (
    id uuid primary key default gen_random_uuid(), n int,
    created_at timestamptz not null default now(), customer_id uuid references customers
);
insert into customers (n) select generate_series(1, 40);
insert into orders (n, customer_id) select n, id from customers;
create schema "Other Place";
create table "Other Place"."100%s ""Log"" x" (
    id bigint generated always as identity primary key,
    n int, entity_type kind, "the entity%s" uuid, label text, short varchar(36), many uuid[],
    texts text[], doc jsonb, old json, note text, amount int
);
insert into "Other Place"."100%s ""Log"" x" (
    n, entity_type, "the entity%s", label, short, many, texts, doc, old, note, amount
)
select o.n,
    case when o.n <= 10 then 'order' when o.n <= 30 then 'customer' else 'ticket' end::kind,
    case when o.n <= 10 then o.id when o.n <= 30 then c.id else gen_random_uuid() end,
    case when o.n % 4 = 0 then upper(o.id::text) when o.n % 4 = 1 then o.id::text
        when o.n % 4 = 2 then 'see ' || o.id end,
    case when o.n > 20 then replace(c.id::text, '-', '') end,
    array[o.id, gen_random_uuid()],
    array[o.id::text, 'x'],
    jsonb_build_object(
        'order_id', o.id, 'items', jsonb_build_array(jsonb_build_object('Item No.', c.id)),
        'names', jsonb_build_object(o.id::text, 1)
    ),
    json_build_array(c.id, o.n), 'nothing ' || o.n, o.n
from orders o join customers c using (n);
create table profiles (customer_id uuid primary key, n int);
insert into profiles select id, n from customers;
"""
LOG = 'Other Place.100%s "Log" x'


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


def the_plan(database: TestDatabase, *declared: SoftReference) -> Plan:
    options = PlanOptions(tables=("orders", "customers"), soft_references=declared)
    return engine.make_plan(database.dsn, options)


def sampled(database: TestDatabase) -> dict[str, SampledColumn]:
    report = sample_soft_references(database.dsn, the_plan(database))
    return {str(column.column): column for column in report.columns}


def rates(column: SampledColumn) -> set[tuple[str | None, str, int, int]]:
    return {(f.path, str(f.root), f.values, f.hits) for f in column.findings}


ORDERS, CUSTOMERS = "public.orders.id", "public.customers.id"


def test_every_type_with_its_rate(database: TestDatabase, connection: Connection) -> None:
    found = sampled(database)

    assert {str(column) for column, it in found.items() if it.findings} == {
        *(f"{LOG}.{c}" for c in ("the entity%s", "label", "short", "many", "texts", "doc", "old")),
        "public.profiles.customer_id",
    }
    assert rates(found[f"{LOG}.label"]) == {(None, ORDERS, 20, 20)}
    assert rates(found[f"{LOG}.short"]) == {(None, CUSTOMERS, 20, 20)}
    assert rates(found[f"{LOG}.many"]) == {("[*]", ORDERS, 80, 40)}
    assert rates(found[f"{LOG}.texts"]) == {("[*]", ORDERS, 40, 40)}
    assert rates(found[f"{LOG}.old"]) == {("$[*]", CUSTOMERS, 40, 40)}
    assert rates(found[f"{LOG}.doc"]) == {
        ("$.order_id", ORDERS, 40, 40),
        ('$.items[*]."Item No."', CUSTOMERS, 40, 40),
        ("$.names.keyvalue().key", ORDERS, 40, 40),
    }
    assert rates(found["public.profiles.customer_id"]) == {(None, CUSTOMERS, 40, 40)}
    assert found[f"{LOG}.note"].rows == 40
    assert found[f"{LOG}.note"].values == 0
    # keys that have a foreign key, or are made by the server, are no question
    assert not {"public.orders.customer_id", "public.orders.id"} & found.keys()


def test_a_discriminator_is_proposed(database: TestDatabase, connection: Connection) -> None:
    column = sampled(database)[f"{LOG}.the entity%s"]

    assert (column.rows, column.values, column.sampled) == (40, 40, "all 40 rows")
    customers, orders = column.findings
    assert (customers.hits, customers.by) == (20, "entity_type")
    assert customers.by_value[0] == ValueRate("customer", 20, 20)
    assert set(orders.by_value) == {
        ValueRate("order", 10, 10),
        ValueRate("customer", 20, 0),
        ValueRate("ticket", 10, 0),
    }


def test_every_plan_warns_of_what_is_not_declared(
    database: TestDatabase, connection: Connection
) -> None:
    def warned(plan: Plan) -> list[str]:
        found = (h for h in plan.hazards if h.code == "undeclared-soft-reference")
        return [hazard.message for hazard in found if hazard.object == f"{LOG}.the entity%s"]

    first, second = warned(the_plan(database))
    assert first.startswith(
        f"20 of 40 values that look like a uuid are keys of {CUSTOMERS}, "
        "where entity_type is customer"
    )
    assert "10 of 40" in second

    name = '"Other Place"."100%s ""Log"" x"."the entity%s"'
    order = SoftReference(name, "orders.id", Discriminator("entity_type", "order"))
    assert warned(the_plan(database, order)) == [first]


def test_texts_that_are_not_canonical_are_counted(
    database: TestDatabase, connection: Connection
) -> None:
    label = SoftReference('"Other Place"."100%s ""Log"" x".label', "orders.id")
    (found,) = (h for h in the_plan(database, label).hazards if h.code == "soft-reference-odd-text")
    assert found.message.startswith(f"10 of 20 keys of {ORDERS} are not written")


def test_a_path_is_declared_by_itself(database: TestDatabase, connection: Connection) -> None:
    def warned(*declared: SoftReference) -> dict[str, str]:
        found = the_plan(database, *declared).hazards
        return {
            hazard.message.split(" at ")[-1].split()[0]: hazard.remedy
            for hazard in found
            if hazard.code == "undeclared-soft-reference"
            and hazard.object in (f"{LOG}.doc", f"{LOG}.many")
        }

    table = '"Other Place"."100%s ""Log"" x"'
    item, names = '$.items[*]."Item', "$.names.keyvalue().key"
    assert set(warned()) == {"$.order_id", item, names, "[*]"}
    left = warned(
        SoftReference(f"{table}.doc", "orders.id", path='$."order_id"'),
        SoftReference(f"{table}.many", "orders.id"),
    )
    assert set(left) == {item, names}
    assert left[item] == "declare it as a soft reference in the configuration"
    assert "cannot be declared" in left[names]


def test_what_a_declaration_leaves_alone_is_counted(
    database: TestDatabase, connection: Connection
) -> None:
    connection.execute(
        "create table bags (n int primary key, many uuid[], doc jsonb);"
        "insert into bags select n, case when n <= 8 then array[[id], [id]] else array[id] end,"
        " to_jsonb(case when n <= 5 then upper(id::text) else id::text end) from orders"
    )
    declared = (
        SoftReference("bags.many", "orders.id"),
        SoftReference("bags.doc", "orders.id", path="$"),
    )
    found = {
        hazard.object: hazard.message
        for hazard in the_plan(database, *declared).hazards
        if hazard.code == "soft-reference-odd-text"
    }
    assert found["public.bags.many"].startswith(f"16 of 48 keys of {ORDERS} are not written")
    assert found["public.bags.doc"].startswith(f"5 of 40 keys of {ORDERS} are not written")


def test_a_large_table_is_sampled_all_over(database: TestDatabase, connection: Connection) -> None:
    connection.execute(
        "create table large (n int, who uuid) with (autovacuum_enabled = off);"
        "insert into large select g, case when g > 50000 then (select id from orders limit 1) end"
        " from generate_series(1, 100000) g; analyze large"
    )
    plan = the_plan(database)
    catalog = read_catalog(connection)
    limits = Limits(rows=2000, seconds=5)
    found = sample_columns(connection, catalog, plan, limits)
    (large,) = (c for c in found.columns if str(c.column) == "public.large.who")
    assert 1000 < large.rows < 3500
    assert "% of the pages" in large.sampled
    (finding,) = large.findings
    assert 0.2 < finding.hits / large.rows < 0.8


def test_what_cannot_be_read_is_said(database: TestDatabase, connection: Connection) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("create table secrets (who uuid); insert into secrets select id from orders")
    plan, catalog = the_plan(database), read_catalog(connection)
    with database.connect() as locker:
        locker.execute("lock table profiles")
        report = sample_columns(connection, catalog, plan, Limits(rows=10, seconds=5))
    found = {str(column.column): str(column.problem) for column in report.columns}
    assert "permission denied" in found["public.secrets.who"]
    assert "lock timeout" in found["public.profiles.customer_id"]


def test_a_statement_has_an_end(database: TestDatabase, connection: Connection) -> None:
    plan, catalog = the_plan(database), read_catalog(connection)
    connection.execute("alter table profiles add slow text default 'x'; create view v as select 1")
    fill: LiteralString = "insert into profiles select gen_random_uuid()"
    connection.execute(fill + " from generate_series(1, 9000)")
    report = sample_columns(connection, catalog, plan, Limits(rows=100_000, seconds=0.000001))
    assert any("timeout" in str(column.problem) for column in report.columns)
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


def test_time_for_all_is_bounded_too(database: TestDatabase, connection: Connection) -> None:
    plan, catalog = the_plan(database), read_catalog(connection)
    report = sample_columns(connection, catalog, plan, Limits(10, 1), seconds=-1)
    assert (report.columns, report.left_out > 8) == ((), True)
    hazards = engine.with_soft_report(plan, report).hazards
    assert "soft-references-not-sampled" in {hazard.code for hazard in hazards}
    assert "undeclared-soft-reference" not in {hazard.code for hazard in hazards}
