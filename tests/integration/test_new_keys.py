"""Columns that do not take version 7 keys are found before anything is changed; domains that do."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from tests.steps_driver import Migration, plan_again
from uuidmig import finish, migrate, rollback
from uuidmig.engine.new_keys import find_rejected_keys
from uuidmig.engine.planning import make_plan
from uuidmig.errors import PreflightRefused
from uuidmig.planner.model import Plan, PlanOptions, SoftReference

V4: LiteralString = "get_byte(uuid_send({}), 6) >> 4 = 4"
PLAIN: LiteralString = "create table t (id uuid primary key default gen_random_uuid(), n int);"
FILLED: LiteralString = "insert into t select from generate_series(1, 5)"


def version(column: LiteralString) -> LiteralString:
    return V4.replace("{}", column)


def rejected(plan: Plan) -> list[str]:
    return [hazard.object for hazard in plan.refusals if hazard.code == "rejects-new-keys"]


DOMAIN: LiteralString = (
    'create domain "Key" as uuid constraint four check (' + version("value") + ");"
    ' create domain order_id as "Key" default gen_random_uuid();'
    "create table t (id order_id primary key, n int);"
)

FOUR_IN_A_REFERENCE: LiteralString = """
    create schema "S";
    create table "S"."R" (n int primary key, "T" uuid references t,
        constraint "Four" check (n < 3 or get_byte(uuid_send("T"), 6) >> 4 = 4));
    insert into t select from generate_series(1, 5);
    insert into "S"."R" select row_number() over (), id from t"""
SEVERAL_KEYS: LiteralString = """
    alter table t add up uuid references t, add check (up <> id);
    alter table t add check (up is null or n = 1);
    insert into t (n) values (1);
    insert into t (up, n) select id, 1 from t"""
WHOLE_ROW: LiteralString = """
    insert into t (n) values (1);
    alter table t add check (t is not null and id is not null)"""

REFUSED: dict[str, tuple[LiteralString, list[str]]] = {
    "domain of a root": (DOMAIN + FILLED, ["type public.order_id"]),
    "domain of an empty table": (DOMAIN, ["type public.order_id"]),
    "domain of a reference": (
        DOMAIN + "alter table t alter id type uuid; create table r (t order_id references t);",
        ["type public.order_id"],
    ),
    "check on a root": (
        PLAIN + "alter table t add constraint four check (" + version("id") + ");" + FILLED,
        ["public.t.four"],
    ),
    "check on an empty table": (
        PLAIN
        + "alter table t add constraint four check ("
        + version("t.id")
        + " and id is not null)",
        ["public.t.four"],
    ),
    "check on a reference": (PLAIN + FOUR_IN_A_REFERENCE, ["S.R.Four"]),
}

ACCEPTED: dict[str, LiteralString] = {
    "other columns": PLAIN + "alter table t add check (n > 0)",
    "several keys": PLAIN + SEVERAL_KEYS,
    "violated before": PLAIN
    + FILLED
    + "; alter table t add check (get_byte(uuid_send(id), 6) >> 4 = 5) not valid",
    "needs the table": PLAIN
    + FILLED
    + "; alter table t add check (id is not null or tableoid > 0)",
    "the whole row": PLAIN + WHOLE_ROW,
    "domain of keys made in some other way": (
        "create domain own as uuid check (value::text like 'aaaaaaaa-%');"
        "create table t (id own primary key)"
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(database: TestDatabase, case: str) -> None:
    ddl, expected = REFUSED[case]
    with database.connect(autocommit=True) as connection:
        connection.execute(ddl)
        before = schema_dump(database)
        assert rejected(make_plan(database.dsn, PlanOptions())) == expected
        with pytest.raises(PreflightRefused, match=r"version 7 keys|does not take the new keys"):
            migrate(database.dsn)
        assert_same(schema_dump(database), before)


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(database: TestDatabase, case: str) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(ACCEPTED[case])
    assert rejected(make_plan(database.dsn, PlanOptions())) == []


LINKS: LiteralString = """
    create domain link as text not null check (length(value) < 50);
    create table links (n int primary key, t link);
    insert into links select n, t.id from (select row_number() over () n, id from t) t;
    insert into links values (0, 'none of-4')"""
NO_SEVEN: LiteralString = (
    "alter domain link add constraint seven check (split_part(value, '-', 3) not like '7%')"
)


@pytest.mark.parametrize("more", ["", NO_SEVEN])
def test_a_domain_of_a_soft_reference(database: TestDatabase, more: LiteralString) -> None:
    """A text that is no key is not tried: it stays as it is. This domain takes no NULL for it."""
    with database.connect(autocommit=True) as connection:
        connection.execute(PLAIN + FILLED)
        connection.execute(LINKS)
        connection.execute(more)
    options = PlanOptions(soft_references=(SoftReference("links.t", "t.id"),))
    expected = ["type public.link"] if more else []
    assert rejected(make_plan(database.dsn, options)) == expected
    if not expected:
        assert migrate(database.dsn, options).state == "validated"


def test_a_table_that_may_not_be_read(database: TestDatabase) -> None:
    """It is refused for that; trying its keys must not fail."""
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(DOMAIN + FILLED)
    with database.connect(autocommit=True) as connection:
        plan = make_plan(database.admin_dsn, PlanOptions())
        assert [h.object for h in find_rejected_keys(connection, plan)] == ["type public.order_id"]


DEFAULTS: LiteralString = """
    create domain order_id as uuid not null default gen_random_uuid();
    create table orders (id order_id primary key, n int);
    create table items (id order_id primary key, order_id order_id references orders,
        others order_id[]);
    insert into orders (n) select generate_series(1, 20);
    insert into items (order_id, others) select id, array[id] from orders"""


def made(connection: psycopg.Connection[Any]) -> int:
    """Return the version of the key that a row without one gets."""
    row = connection.execute(
        "insert into orders (n) values (0) returning get_byte(uuid_send(id), 6) >> 4"
    ).fetchone()
    assert row is not None
    connection.execute("insert into items (order_id) select id from orders where n = 0 limit 1")
    return int(row[0])


def test_the_default_of_a_domain(database: TestDatabase) -> None:
    """It makes the keys: the column gets a default of its own, and loses it at the rollback."""
    with database.connect(autocommit=True) as connection:
        connection.execute(DEFAULTS)
        before = schema_dump(database)
        plan = make_plan(database.dsn, PlanOptions())
        warned = [hazard.object for hazard in plan.hazards if hazard.code == "domain-default"]
        assert warned == ["public.items.id", "public.orders.id"]
        migrate(database.dsn)
        assert made(connection) == 7
        rollback(database.dsn)
        assert made(connection) == 4
        migrate(database.dsn)
        finish(database.dsn)
        assert made(connection) == 7
        assert_same(finished_dump(database), with_new_defaults(before, plan))


def test_a_default_of_the_column_goes_first(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "create domain key as uuid default gen_random_uuid();"
            "create table t (id key primary key default null);"
            "insert into t values (gen_random_uuid())"
        )
        migration = Migration.of(connection)
        assert [d.generator.kind for d in migration.plan.domains] == ["other"]
        assert plan_again(migration).plan.hazards == migration.plan.hazards
