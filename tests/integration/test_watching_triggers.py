"""Constraint triggers that name a second table (FROM)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import RunOptions, abort, cutover, finish, migrate, rollback
from uuidmig.engine.planning import make_plan
from uuidmig.errors import PreflightRefused, SchemaDrift
from uuidmig.planner.model import PlanOptions

Connection = psycopg.Connection[Any]

SCHEMA: LiteralString = """
create schema "The Shop";
create table "The Shop"."Orders" (id uuid primary key default gen_random_uuid(), n int);
create table items (id uuid primary key default gen_random_uuid(),
    order_id uuid references "The Shop"."Orders");
create table parts (id uuid default gen_random_uuid(), at date, primary key (id, at))
    partition by range (at);
create table parts_1 partition of parts for values from ('2025-01-01') to ('2026-01-01');
create table settings (number int primary key);
create table calls (name text, relation text);
create function note_call() returns trigger language plpgsql as
    'begin insert into public.calls values (tg_name, tg_relid::regclass::text); return null; end';
create constraint trigger "Both" after insert on items from "The Shop"."Orders"
    deferrable initially deferred for each row when (new.order_id is not null)
    execute function note_call('x');
comment on trigger "Both" on items is 'two tables';
create constraint trigger back after update on "The Shop"."Orders" from items
    for each row execute function note_call();
create constraint trigger itself after delete on items from items
    for each row execute function note_call();
create constraint trigger outside after insert on items from settings
    for each row execute function note_call();
create constraint trigger a_part after insert on parts_1 from items
    for each row execute function note_call();
alter table items disable trigger outside;
insert into "The Shop"."Orders" (n) select generate_series(1, 100);
insert into items (order_id) select id from "The Shop"."Orders";
insert into parts (at) values ('2025-02-02');
"""

USES: LiteralString = """
truncate calls;
insert into items (order_id) select id from "The Shop"."Orders" where n = 1;
update "The Shop"."Orders" set n = 1 where n = 1;
delete from items where order_id in (select id from "The Shop"."Orders" where n = 1);
insert into parts (at) values ('2025-03-03');
"""
CALLS = {
    ("Both", "items"),
    ("back", '"The Shop"."Orders"'),
    ("itself", "items"),
    ("a_part", "parts_1"),
}
# What pg_trigger says: which table each names, by oid.
WATCHED = """select t.tgname, t.tgrelid::regclass::text, t.tgconstrrelid::regclass::text
    from pg_trigger t where not t.tgisinternal and t.tgconstrrelid <> 0
    and (select relnamespace from pg_class where oid = t.tgrelid)
        in ('public'::regnamespace, '"The Shop"'::regnamespace) order by 1, 2"""


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection


def assert_used(owner: Connection) -> None:
    owner.execute(USES)
    assert set(owner.execute("select * from calls").fetchall()) == CALLS


def test_life_cycle(database: TestDatabase, owner: Connection) -> None:
    before, watched = schema_dump(database), owner.execute(WATCHED).fetchall()
    assert len(watched) == 5
    assert_used(owner)
    migrate(database.dsn)
    assert owner.execute(WATCHED).fetchall() == watched
    assert_used(owner)
    rollback(database.dsn)
    assert owner.execute(WATCHED).fetchall() == watched
    assert_used(owner)
    abort(database.dsn)
    assert_same(schema_dump(database), before)
    plan = make_plan(database.dsn, PlanOptions())
    migrate(database.dsn)
    finish(database.dsn)
    assert owner.execute(WATCHED).fetchall() == watched
    assert_used(owner)
    assert_same(finished_dump(database), with_new_defaults(before, plan))


def test_of_a_table_that_stays(database: TestDatabase, owner: Connection) -> None:
    """Without the refusal it would be gone after finish, and nobody told."""
    owner.execute("""create constraint trigger w after insert on settings from parts_1
        for each row execute function note_call()""")
    plan = make_plan(database.dsn, PlanOptions())
    assert [(h.code, h.object) for h in plan.refusals] == [
        ("unsupported-trigger", "trigger w on public.settings")
    ]
    with pytest.raises(PreflightRefused, match="with which it would be dropped"):
        migrate(database.dsn)
    alone = make_plan(database.dsn, PlanOptions(tables=("items",)))
    assert {h.object for h in alone.refusals} == {
        "trigger a_part on public.parts_1",
        "trigger back on The Shop.Orders",
    }


def test_one_that_comes_during_the_migration(database: TestDatabase, owner: Connection) -> None:
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    owner.execute("""create constraint trigger w after insert on settings from items
        for each row execute function note_call()""")
    with pytest.raises(SchemaDrift, match="changed since prepare"):
        cutover(database.dsn)
    owner.execute("drop trigger w on settings")
    assert cutover(database.dsn).state == "validated"
