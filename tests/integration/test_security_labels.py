"""Security labels: of tables and all that is theirs, and of what is created again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from tests.label_provider import forget_label_provider, label_provider, load_label_provider
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase, TestServer
from uuidmig import PlanOptions, RunOptions, abort, cutover, finish, make_plan, migrate, rollback
from uuidmig.engine import journal
from uuidmig.errors import PreflightRefused, SchemaDrift, SecurityLabelRefused

Connection = psycopg.Connection[Any]
SMALL = RunOptions(batch=100)

SCHEMA: LiteralString = """
create schema "Store";
create table customers (
    id uuid primary key default gen_random_uuid(), number int generated always as identity,
    serial bigserial, name text not null, created_at timestamptz not null default clock_timestamp()
);
create table "Store"."Orders" (
    id uuid not null default gen_random_uuid(), "The Customer" uuid not null references customers,
    at timestamptz not null default clock_timestamp(), primary key (id, at)
) partition by range (at);
create table "Store"."Orders old" partition of "Store"."Orders"
    for values from (minvalue) to ('2026-01-01');
create table "Store"."Orders rest" partition of "Store"."Orders" default;
create view names as select id, name from customers;
create materialized view counts as
    select c.id, count(*) from customers c join "Store"."Orders" o on o."The Customer" = c.id
    group by 1;
create function name_of(customers) returns text language sql as 'select $1.name';
create procedure rename(a text, b text) begin atomic
    update customers set name = b where name = a; end;
insert into customers (name) select 'customer ' || i from generate_series(1, 50) i;
insert into "Store"."Orders" ("The Customer") select id from customers, generate_series(1, 5);
refresh materialized view counts;

security label for uuidmig_test on table customers is 'people';
security label for uuidmig_test on column customers.id is 'a key''s $uuidmig$ "label" \\';
security label for uuidmig_test on column customers.name is 'MASKED WITH FUNCTION anon.fake()';
security label for uuidmig_test on type customers is 'row';
security label for uuidmig_test on sequence customers_number_seq is 'identity';
security label for uuidmig_test on sequence customers_serial_seq is 'serial';
security label for uuidmig_test on table "Store"."Orders" is 'whole';
security label for uuidmig_test on table "Store"."Orders old" is 'part';
security label for uuidmig_test on column "Store"."Orders old"."The Customer" is 'of a part';
security label for uuidmig_test on view names is 'view';
security label for uuidmig_test on column names.name is 'column of a view';
security label for uuidmig_test on materialized view counts is 'made again';
security label for uuidmig_test on column counts.count is 'its column';
security label for uuidmig_test on function name_of(customers) is 'of a row';
security label for uuidmig_test on procedure rename(text, text) is 'parsed';
"""
# What the provider would look up; its objects by the names that applications know.
LABELS: LiteralString = """
select shown.type, shown.identity, l.provider, l.label
from pg_seclabel l cross join lateral pg_identify_object(l.classoid, l.objoid, l.objsubid) shown
where shown.identity !~ '^("?uuidmig|[^.]*__uuid)' order by 1, 2, 3"""
USES: tuple[LiteralString, ...] = (
    "insert into customers (name) values ('new')",
    'insert into "Store"."Orders" ("The Customer") select id from customers',
    "refresh materialized view counts",
    "call rename('customer 2', 'renamed')",
    "delete from customers c where not exists"
    ' (select from "Store"."Orders" where "The Customer" = c.id)',
)


@pytest.fixture(scope="module")
def library(server: TestServer) -> Iterator[Path]:
    with label_provider(server) as compiled:
        yield compiled


@pytest.fixture
def labelled(database: TestDatabase, library: Path) -> Iterator[Connection]:
    load_label_provider(database, library)
    with database.connect(autocommit=True, application_name="uuidmig:test") as owner:
        owner.execute(SCHEMA)
        yield owner


def labels(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(LABELS).fetchall()


def use(connection: Connection) -> None:
    for statement in USES:
        connection.execute(statement)
    named = "select name_of(c) from customers c where name ~ 'renamed|new' order by 1"
    names = {name for (name,) in connection.execute(named.encode())}
    assert names == {"new", "renamed"}
    # the labelled objects can be labelled, and labels taken away, as before
    with connection.transaction(force_rollback=True):
        connection.execute("security label for uuidmig_test on table customers is 'other'")
        connection.execute("security label for uuidmig_test on column customers.name is null")
        connection.execute("security label for uuidmig_test on function name_of(customers) is null")
        assert len(labels(connection)) == len(WHAT) - 2


WHAT = SCHEMA.split("security label for")[1:]


def test_there_and_back_and_there_for_good(database: TestDatabase, labelled: Connection) -> None:
    before, dump = labels(labelled), schema_dump(database)
    assert len(before) == len(WHAT)
    assert dump.count("SECURITY LABEL FOR") == len(WHAT) - 1  # pg_dump saves none of row types
    migrate(database.dsn, run_options=SMALL)
    assert labels(labelled) == before
    use(labelled)
    rollback(database.dsn)
    assert labels(labelled) == before
    use(labelled)
    abort(database.dsn)
    assert_same(schema_dump(database), dump)
    plan = make_plan(database.dsn, PlanOptions())
    migrate(database.dsn, run_options=SMALL)
    finish(database.dsn)
    assert labels(labelled) == before
    assert_same(finished_dump(database), with_new_defaults(dump, plan))
    use(labelled)


def test_a_provider_that_is_not_loaded(database: TestDatabase, labelled: Connection) -> None:
    forget_label_provider(database)
    (refusal,) = make_plan(database.dsn, PlanOptions()).refusals
    assert (refusal.code, refusal.object) == ("label-provider-missing", "uuidmig_test")
    assert "session_preload_libraries" in refusal.remedy
    with pytest.raises(PreflightRefused, match="uuidmig_test: objects of the plan have"):
        migrate(database.dsn)
    assert journal.find_run(labelled) is None
    # which generates other keys from now on, and touches nothing else
    assert migrate(database.dsn, PlanOptions(strategy="default-only")).state == "switched"


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("table customers", "public.customers"),
        ('column "Store"."Orders old"."The Customer"', "Store.Orders old"),
        ("type customers", "public.customers"),
        ("sequence customers_number_seq", "public.customers"),
        ("materialized view counts", "materialized view public.counts"),
        ("column counts.count", "materialized view public.counts"),
        ("function name_of(customers)", "function public.name_of(public.customers)"),
    ],
)
def test_a_label_that_the_provider_refuses(
    database: TestDatabase, labelled: Connection, what: str, name: str
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(f"security label for uuidmig_test on {what} is 'secret'".encode())
    before = labels(labelled)
    with pytest.raises(SecurityLabelRefused) as told:
        migrate(database.dsn)
    assert f"a security label of {name} cannot be set" in str(told.value)
    assert "only superusers may label anything secret" in str(told.value)
    assert "Nothing was changed" in str(told.value)
    assert journal.find_run(labelled) is None
    assert labels(labelled) == before
    labelled.execute(f"security label for uuidmig_test on {what} is null".encode())
    assert migrate(database.dsn).state == "validated"


@pytest.mark.parametrize(
    "what",
    [
        "table customers",
        'column "Store"."Orders rest"."The Customer"',
        "type customers",
        "sequence customers_number_seq",
        "materialized view counts",
        "column counts.id",
        "function name_of(customers)",
    ],
)
def test_a_label_that_changes_before_the_cutover(
    database: TestDatabase, labelled: Connection, what: str
) -> None:
    migrate(database.dsn, run_options=RunOptions(batch=100, cutover="manual"))
    labelled.execute(f"security label for uuidmig_test on {what} is 'changed'".encode())
    with pytest.raises(SchemaDrift, match="changed since prepare"):
        cutover(database.dsn)
    abort(database.dsn)
    before = labels(labelled)
    migrate(database.dsn, run_options=SMALL)
    assert labels(labelled) == before


def test_what_is_replaced_in_place_keeps_its_label(
    database: TestDatabase, labelled: Connection
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("security label for uuidmig_test on view names is 'secret'")
        admin.execute("security label for uuidmig_test on procedure rename(text, text) is 'secret'")
    before = labels(labelled)
    migrate(database.dsn, run_options=SMALL)
    assert labels(labelled) == before


def test_a_label_of_a_view_may_change(database: TestDatabase, labelled: Connection) -> None:
    migrate(database.dsn, run_options=RunOptions(batch=100, cutover="manual"))
    labelled.execute("security label for uuidmig_test on view names is 'changed'")
    before = labels(labelled)
    cutover(database.dsn)
    assert labels(labelled) == before
