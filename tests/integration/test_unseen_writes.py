"""After the cutover the log of the way back misses what was written while its triggers were gone:
to a partition that was detached meanwhile, or past triggers that somebody disabled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.commands import run_into
from tests.servers import TestDatabase
from uuidmig import (
    PlanOptions,
    RunOptions,
    abort,
    cutover,
    finish,
    make_plan,
    migrate,
    rollback,
    status,
)
from uuidmig.errors import SchemaDrift
from uuidmig.steps.model import Step
from uuidmig.steps.revisions import cutover_steps

Connection = psycopg.Connection[Any]
SMALL = RunOptions(batch=100)

SCHEMA: LiteralString = """
create table customers (
    id uuid primary key default gen_random_uuid(), name text not null,
    created_at timestamptz not null default clock_timestamp()
);
create table visits (
    id uuid not null default gen_random_uuid(), customer_id uuid not null references customers,
    kind text not null, n int not null, at timestamptz not null default clock_timestamp(),
    primary key (kind, id)
) partition by list (kind);
create table visits_a partition of visits for values in ('a');
create table visits_bc partition of visits for values in ('b', 'c') partition by list (kind);
create table visits_b partition of visits_bc for values in ('b');
create table visits_c partition of visits_bc for values in ('c');
create table hits (
    id uuid not null default gen_random_uuid(), customer_id uuid not null references customers,
    kind text not null default 'hit', n int not null,
    at timestamptz not null default clock_timestamp(), primary key (customer_id, n)
) partition by hash (customer_id);
create table hits_0 partition of hits for values with (modulus 2, remainder 0);
create table hits_1 partition of hits for values with (modulus 2, remainder 1);
create table calls (
    id uuid not null default gen_random_uuid(), customer_id uuid not null references customers,
    kind text not null default 'call', n int not null,
    at timestamptz not null default clock_timestamp(), primary key (customer_id, n)
) partition by range (customer_id);
create table calls_0 partition of calls
    for values from (minvalue) to ('80000000-0000-0000-0000-000000000000');
create table calls_1 partition of calls
    for values from ('80000000-0000-0000-0000-000000000000') to (maxvalue);
create table notes (
    id uuid primary key default gen_random_uuid(), customer_id uuid not null references customers,
    kind text not null default 'note', n int not null,
    at timestamptz not null default clock_timestamp()
);
insert into customers (name) select 'customer ' || i from generate_series(1, 20) i;
insert into visits (customer_id, kind, n)
    select id, kind, n from customers, unnest('{a,b,c}'::text[]) kind, generate_series(1, 5) n;
insert into hits (customer_id, n) select id, n from customers, generate_series(1, 5) n;
insert into calls (customer_id, n) select id, n from customers, generate_series(1, 5) n;
insert into notes (customer_id, n) select id, n from customers, generate_series(1, 5) n;
"""
PICTURE: LiteralString = """
select tableoid::regclass::text, kind, name, n
from (select tableoid, customer_id, kind, n from visits
      union all select 'hits'::regclass, customer_id, kind, n from hits
      union all select 'calls'::regclass, customer_id, kind, n from calls
      union all select tableoid, customer_id, kind, n from notes) t
join customers c on c.id = t.customer_id order by 1, 2, 3, 4"""
OLD_KEYS: LiteralString = """
select count(*) from (select id from visits union all select id from notes
    union all select customer_id from hits union all select customer_id from calls) k (id)
where get_byte(uuid_send(id), 6) & 240 = 64"""

DETACHED: dict[str, tuple[LiteralString, LiteralString, LiteralString]] = {
    "a leaf": (
        "alter table visits detach partition visits_a",
        "visits_a",
        "alter table visits attach partition visits_a for values in ('a')",
    ),
    "a leaf below another partition": (
        "alter table visits_bc detach partition visits_b",
        "visits_b",
        "alter table visits_bc attach partition visits_b for values in ('b')",
    ),
    "a partition with partitions": (
        "alter table visits detach partition visits_bc",
        "visits_c",
        "alter table visits attach partition visits_bc for values in ('b', 'c')",
    ),
    "partitioned by hash of a key": (
        "alter table hits detach partition hits_1",
        "hits_1",
        "alter table hits attach partition hits_1 for values with (modulus 2, remainder 1)",
    ),
    "partitioned by range of a key": (
        "alter table calls detach partition calls_0",
        "calls_0",
        "alter table calls attach partition calls_0"
        " for values from (minvalue) to ('80000000-0000-0000-0000-000000000000')",
    ),
}
WRITES: tuple[LiteralString, ...] = (
    "delete from {table} where n in (1, 4)",
    "update {table} set n = 20 where n = 2",
    "insert into {table} (customer_id, kind, n, at) select customer_id, kind, 30, at from {table}"
    " where n = 3",
)


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True, application_name="uuidmig:test") as owner:
        owner.execute(SCHEMA)
        yield owner


def picture(shop: Connection) -> list[tuple[Any, ...]]:
    return shop.execute(PICTURE).fetchall()


def old_keys(shop: Connection) -> int:
    row = shop.execute(OLD_KEYS).fetchone()
    assert row is not None
    return int(row[0])


def run(shop: Connection, statement: LiteralString, table: str) -> None:
    shop.execute(sql.SQL(statement).format(table=sql.Identifier(table)))


def write(shop: Connection, table: str) -> None:
    for statement in WRITES:
        run(shop, statement, table)


@pytest.mark.parametrize("case", DETACHED)
def test_detached_written_and_attached(database: TestDatabase, shop: Connection, case: str) -> None:
    detach, table, attach = DETACHED[case]
    migrate(database.dsn, run_options=SMALL)
    shop.execute(detach)
    write(shop, table)
    shop.execute(attach)
    write(shop, "notes")
    expected, kept = picture(shop), old_keys(shop)
    assert kept == 0
    assert rollback(database.dsn).state == "rolled_back"
    assert picture(shop) == expected
    assert old_keys(shop) > 250
    abort(database.dsn)
    assert picture(shop) == expected


def test_a_row_that_changed_its_partition_meanwhile(
    database: TestDatabase, shop: Connection
) -> None:
    migrate(database.dsn, run_options=SMALL)
    shop.execute(DETACHED["a leaf"][0])
    shop.execute(
        "with gone as (delete from visits_a where n = 1 returning *)"
        " insert into visits select id, customer_id, 'b', 40, at from gone"
    )
    shop.execute(
        "with gone as (delete from visits where kind = 'c' and n = 1 returning *)"
        " insert into visits_a select id, customer_id, 'a', 40, at from gone"
    )
    shop.execute(DETACHED["a leaf"][2])
    expected = picture(shop)
    rollback(database.dsn)
    assert picture(shop) == expected


@pytest.mark.parametrize(
    "case", ["a leaf", "partitioned by hash of a key", "partitioned by range of a key"]
)
def test_replaced_by_another_of_the_same_name(
    database: TestDatabase, shop: Connection, case: str
) -> None:
    detach, table, attach = DETACHED[case]
    migrate(database.dsn, run_options=SMALL)
    shop.execute(detach)
    run(shop, "create table fresh (like {table} including all)", table)
    run(shop, "insert into fresh select * from {table} where n < 3", table)
    run(shop, "drop table {table}", table)
    run(shop, "alter table fresh rename to {table}", table)
    shop.execute(attach)
    run_into(database.dsn, "drain_back", "rollback", "--yes")  # seen and replayed as a whole
    run(shop, "truncate {table}", table)  # of which nobody tells
    shop.execute(b"insert into visits (customer_id, kind, n) select id, 'a', 50 from customers")
    expected = picture(shop)
    rollback(database.dsn)
    assert picture(shop) == expected


def test_rows_that_forced_policies_hide(database: TestDatabase, shop: Connection) -> None:
    detach, table, attach = DETACHED["a leaf"]
    for name in ("visits", "visits_a"):
        run(shop, "alter table {table} enable row level security", name)
        run(shop, "alter table {table} force row level security", name)
        run(shop, "create policy shown on {table} using (n <> 3) with check (true)", name)
    migrate(database.dsn, run_options=SMALL)
    shop.execute(detach)
    run(shop, "update {table} set n = 20 where n = 2", table)
    shop.execute(attach)
    with database.connect_admin(autocommit=True) as admin:
        expected = picture(admin)
        assert len(expected) == 600
        rollback(database.dsn)
        assert picture(admin) == expected


def test_between_two_attempts(database: TestDatabase, shop: Connection) -> None:
    detach, table, attach = DETACHED["a leaf"]
    migrate(database.dsn, run_options=SMALL)
    for number in range(2):
        shop.execute(detach)
        run(shop, "update {table} set n = n + 100", table)
        shop.execute(attach)
        if number == 0:
            run_into(database.dsn, "before-rollback", "rollback", "--yes")
    expected = picture(shop)
    rollback(database.dsn)
    assert picture(shop) == expected


def test_never_under_the_locks(database: TestDatabase, shop: Connection) -> None:
    detach, _, attach = DETACHED["a leaf"]
    plan = make_plan(database.dsn, PlanOptions())
    migrate(database.dsn, run_options=SMALL)
    shop.execute(detach)
    shop.execute(attach)
    drain = last_drain(cutover_steps(plan))
    with pytest.raises(psycopg.Error, match="read as a whole") as told:
        shop.execute(drain.encode())
    assert told.value.sqlstate == "UM001"
    shop.execute("select uuidmig.drain_back()")
    shop.execute(drain.encode())


def last_drain(steps: tuple[Step, ...]) -> str:
    (drain,) = (s.text for step in steps for s in step.undo if "UM001" in s.text)
    return drain


DISABLED: tuple[LiteralString, ...] = ("notes", "visits_a")


@pytest.mark.parametrize("table", DISABLED)
def test_past_triggers_that_were_disabled(
    database: TestDatabase, shop: Connection, table: LiteralString
) -> None:
    """As pg_restore --disable-triggers does it."""
    migrate(database.dsn, run_options=SMALL)
    run(shop, "alter table {table} disable trigger user", table)
    write(shop, table)
    run(shop, "truncate {table}", table)
    refill = "insert into {table} (customer_id, kind, n) select id, 'a', 60 from customers"
    run(shop, refill, table)
    run(shop, "alter table {table} enable trigger user", table)
    expected = picture(shop)
    with pytest.raises(SchemaDrift, match=f"on public.{table} is not ENABLE ALWAYS") as told:
        rollback(database.dsn)
    assert "uuidmig rollback" in str(told.value)
    assert (status(database.dsn).state, picture(shop)) == ("validated", expected)
    command = f"ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER uuidmig_back_capture"
    assert command in str(told.value)
    shop.execute(command.encode())
    rollback(database.dsn)
    assert picture(shop) == expected


def test_past_triggers_before_the_cutover(database: TestDatabase, shop: Connection) -> None:
    migrate(database.dsn, run_options=RunOptions(batch=100, cutover="manual"))
    shop.execute("alter table notes disable trigger user")
    write(shop, "notes")
    shop.execute("alter table notes enable trigger user")
    expected = picture(shop)
    with pytest.raises(SchemaDrift, match="changed since prepare"):
        cutover(database.dsn)
    abort(database.dsn)
    assert picture(shop) == expected


def test_finish_does_not_mind(database: TestDatabase, shop: Connection) -> None:
    detach, table, attach = DETACHED["a leaf"]
    migrate(database.dsn, run_options=SMALL)
    shop.execute(detach)
    write(shop, table)
    shop.execute(attach)
    shop.execute("alter table notes disable trigger user")
    expected = picture(shop)
    finish(database.dsn)
    assert picture(shop) == expected
