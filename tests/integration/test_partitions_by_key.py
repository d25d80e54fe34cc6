"""Tables partitioned by hash or range of a key: rows change their partition with it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors

from tests.acceptance.commands import run_into, wait_until
from tests.scenarios.read import SCENARIOS
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
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
from uuidmig.engine.progress import Event, LockRetry
from uuidmig.errors import VerificationFailed

Connection = psycopg.Connection[Any]

BY = {"hash": SCENARIOS["partitions_by_key"], "range": SCENARIOS["partitions_by_key_range"]}


SMALL = RunOptions(batch=100)


TO_VERIFIED = RunOptions(batch=100, cutover="manual")


MIGRATE = ("migrate", "--yes", "--batch", "100")


PICTURE: LiteralString = """
select 'orders', o.number::text, o.amount::text, t.name, p.number::text, o.created_at::text, o.label
from orders o join tenants t on t.id = o.tenant_id left join orders p on p.id = o.follows
union all
select 'items', o.number::text, i.position::text, i.text, '', '', ''
from items i join orders o on o.id = i.order_id
union all
select 'tasks', p.name, t.name, k.number::text, p.created_at::text, '', ''
from tasks k join projects p on (p.tenant_id, p.id) = (k.tenant_id, k.project_id)
join tenants t on t.id = p.tenant_id
union all
select 'events', o.number::text, e.kind, e.at::text, '', '', ''
from events e left join orders o on o.id = e.order_id
union all
select 'visits', t.name, v.at::text, '', '', '', ''
from visits v join tenants t on t.id = v."The Tenant"
union all
select 'remarks', o.number::text, r.remark, '', '', '', ''
from remarks r left join orders o on o.id = r.order_id
order by 1, 2, 3, 4, 5, 6, 7"""


class Told:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True, application_name="uuidmig:test") as connection:
        yield connection


ITEMS_CHUNK: LiteralString = """
select * from uuidmig.chunk where table_number =
    (select number from uuidmig.closure_table where table_name = 'items')"""


@pytest.fixture(params=BY)
def shop(owner: Connection, request: pytest.FixtureRequest) -> Connection:
    owner.execute(BY[request.param].setup)
    return owner


def picture(shop: Connection) -> list[tuple[Any, ...]]:
    return shop.execute(PICTURE).fetchall()


def one(connection: Connection, query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def old_keys(shop: Connection) -> int:
    return int(
        one(
            shop,
            """select count(*) from (select id from orders union all select order_id from items
            union all select project_id from tasks union all select id from events
            union all select "The Tenant" from visits union all select id from remarks) k (id)
            where get_byte(uuid_send(id), 6) & 240 <> 112""",
        )
    )


def test_there_and_back_and_there_for_good(database: TestDatabase, shop: Connection) -> None:
    before, dump = picture(shop), schema_dump(database)
    assert migrate(database.dsn, run_options=SMALL).state == "validated"
    assert (picture(shop), old_keys(shop)) == (before, 0)
    shop.execute(BY["hash"].after_cutover)
    used = picture(shop)
    assert used != before
    rollback(database.dsn)
    assert picture(shop) == used
    assert old_keys(shop) > 0
    abort(database.dsn)
    assert_same(schema_dump(database), dump)
    plan = make_plan(database.dsn, PlanOptions())
    migrate(database.dsn, run_options=SMALL)
    finish(database.dsn)
    assert picture(shop) == used
    assert_same(finished_dump(database), with_new_defaults(dump, plan))
    # each row is found where its key belongs
    found: LiteralString = """select count(*) from orders o
        where o.id = (select id from "Cold Store"."Orders 1" limit 1)"""
    assert one(shop, found) == 1


@pytest.mark.parametrize("place", ["cut", "copying:5", "batch:3", "index:3", "attached"])
def test_killed_migration_goes_on(database: TestDatabase, shop: Connection, place: str) -> None:
    before = picture(shop)
    run_into(database.dsn, place, *MIGRATE)
    assert status(database.dsn).next_commands
    assert picture(shop) == before
    assert migrate(database.dsn, run_options=SMALL).state == "validated"
    assert (picture(shop), old_keys(shop)) == (before, 0)


def test_the_whole_tree_is_copied_again_when_one_partition_was_rewritten(
    database: TestDatabase, shop: Connection
) -> None:
    before = picture(shop)
    run_into(database.dsn, "copy", *MIGRATE)  # all is copied, and stands in the journal
    shop.execute("update uuidmig.run set state = 'copying'")
    shop.execute("create view items_chunk as " + ITEMS_CHUNK)
    shop.execute("update items_chunk set done = false where heap = 1")
    copied: LiteralString = "select min(finished_at) from items_chunk where heap = 2"
    others: LiteralString = """select max(finished_at) from uuidmig.chunk
        where table_number not in (select table_number from items_chunk)"""
    first, unchanged = one(shop, copied), one(shop, others)
    shop.execute("vacuum full items_0")
    told = Told()
    migrate(database.dsn, run_options=SMALL, observer=told)
    assert one(shop, copied) > first
    assert one(shop, others) == unchanged
    again = "public.items_0 was rewritten, copying it again and 1 partitions that its rows are"
    assert any(again in str(event) for event in told.events)
    assert (picture(shop), old_keys(shop)) == (before, 0)


@pytest.mark.parametrize("then", ["", "vacuum full items_0"])
def test_a_partition_emptied_while_it_is_copied(
    database: TestDatabase, shop: Connection, then: LiteralString
) -> None:
    """All its rows are in the log: neither it nor the tree is copied again."""
    run_into(database.dsn, "copy", *MIGRATE)
    shop.execute("update uuidmig.run set state = 'copying'")
    shop.execute("create view items_chunk as " + ITEMS_CHUNK)
    shop.execute("update items_chunk set done = false where heap = 1")
    others: LiteralString = "select max(finished_at) from items_chunk where heap = 2"
    first = one(shop, others)
    shop.execute("truncate items_0, events_2024_1, tasks_0")
    shop.execute(
        "insert into items select id, 3, 'again' from orders where number % 3 = 0"
        " on conflict do nothing"
    )
    if then:
        shop.execute(then)
    before = picture(shop)
    migrate(database.dsn, run_options=SMALL)
    assert one(shop, others) == first
    assert (picture(shop), old_keys(shop)) == (before, 0)


@contextmanager
def truncating(database: TestDatabase, table: LiteralString) -> Iterator[Connection]:
    with database.connect(application_name="app") as application:
        application.execute("truncate " + table)
        yield application


def replay_waits(shop: Connection) -> bool:
    """Whether a replay has its snapshot and is kept from reading: it will not see the TRUNCATE."""
    return bool(
        one(
            shop,
            "select exists (select from pg_stat_activity where query ~ 'uuidmig.*drain'"
            " and pid <> pg_backend_pid() and state = 'active' and backend_xmin is not null)",
        )
    )


@pytest.mark.parametrize("stage", ["verify", "cutover", "rollback"])
def test_no_lock_is_held_while_rows_of_an_emptied_partition_are_looked_for(
    database: TestDatabase, shop: Connection, stage: str
) -> None:
    """A TRUNCATE that only the locked step would see: it lets go and catches up first."""
    told = Told()
    if stage == "verify":
        run_into(database.dsn, "catch-up", *MIGRATE)
    else:
        migrate(database.dsn, run_options=SMALL if stage == "rollback" else TO_VERIFIED)
    command = {
        "verify": lambda: migrate(database.dsn, run_options=TO_VERIFIED, observer=told),
        "cutover": lambda: cutover(database.dsn, observer=told),
        "rollback": lambda: rollback(database.dsn, observer=told),
    }[stage]
    with ThreadPoolExecutor(1) as pool, truncating(database, "items_0") as application:
        running = pool.submit(command)
        wait_until(lambda: replay_waits(shop), "the replay waits for the TRUNCATE")
        application.commit()
        left = picture(shop)
        running.result(timeout=60)
    assert [event for event in told.events if isinstance(event, LockRetry)]
    assert picture(shop) == left
    states = {"verify": "verified", "cutover": "validated", "rollback": "rolled_back"}
    assert status(database.dsn).state == states[stage]


def test_a_difference_between_partitions_is_found(database: TestDatabase, shop: Connection) -> None:
    """Sums are those of all partitions: a row that is in the wrong place twice shows."""
    migrate(database.dsn, run_options=TO_VERIFIED)
    shop.execute(
        "update public__uuid7.orders set note = 'other' where id ="
        ' (select id from "Cold Store__uuid7"."Orders 1" limit 1)'
    )
    shop.execute("update uuidmig.run set state = 'caught_up'")
    with pytest.raises(VerificationFailed, match=r"public\.orders: contents differ"):
        migrate(database.dsn, run_options=TO_VERIFIED)


def test_remembered_keys(database: TestDatabase, shop: Connection) -> None:
    """Translated where they do not decide the partition, and in every UPDATE."""
    order, tenant = shop.execute("select id, tenant_id from orders where number = 5").fetchall()[0]
    migrate(database.dsn, run_options=SMALL)
    now = one(shop, "select id from orders where number = 5")
    assert now != order
    shop.execute("insert into events (order_id, at) values (%s, '2030-01-01')", [order])
    assert one(shop, "select order_id from events where at = '2030-01-01'") == now
    shop.execute("insert into orders (number, amount, tenant_id) values (7777, 1, %s)", [tenant])
    for query, key in (
        ("insert into items values (%s, 88, 'x')", order),
        ("insert into items_0 values (%s, 88, 'x')", order),
        ("insert into orders (id, tenant_id, amount) select %s, tenant_id, 1 from orders", order),
        ("insert into visits (\"The Tenant\", at) values (%s, '2030-01-01')", tenant),
    ):
        with pytest.raises(errors.FeatureNotSupported, match="is an old key: it is 0") as told:
            shop.execute(query.encode(), [key])
        assert "Read the key again" in str(told.value.diag.message_hint)
    other = one(shop, "select id from orders where number = 6")
    shop.execute("insert into items values (%s, 88, 'x')", [other])
    shop.execute("update items set order_id = %s where position = 88", [order])
    assert one(shop, "select order_id from items where position = 88") == now
    with pytest.raises(errors.ForeignKeyViolation):
        shop.execute("insert into items values (gen_random_uuid(), 1, 'x')")


def test_the_plan_says_what_changes(database: TestDatabase, shop: Connection) -> None:
    plan = make_plan(database.dsn, PlanOptions())
    told = {h.object: h.message for h in plan.hazards if h.code == "rows-change-partition"}
    assert set(told) == {
        f"public.{name}"
        for name in ("tenants", "orders", "items", "projects", "tasks", "events", "visits")
    }
    if "range" in one(shop, "select lower(pg_get_partkeydef('projects'::regclass))"):
        # the bounds have no value for the other
        assert "(tenant_id)" in told["public.projects"]
    else:
        assert "(id, tenant_id)" in told["public.projects"]


def test_the_plan_says_where_rows_gather(database: TestDatabase, owner: Connection) -> None:
    owner.execute(SCENARIOS["partitions_by_range"].setup)
    plan = make_plan(database.dsn, PlanOptions())
    told = {
        h.object: h.message.partition("come to lie in ")[2].removesuffix(", and new rows as well")
        for h in plan.hazards
        if h.code == "rows-gather"
    }
    assert told == {
        "public.notes": "public.notes_0, public.notes_1",
        "public.parcels": "few of the partitions",
        "public.readings": "public.readings_old_0, public.readings_old_1",
        "public.tickets": "public.tickets_eu_0, public.tickets_eu_1, public.tickets_us_rest",
        "public.visits": "public.visits_0, public.visits_1",
    }
    moving = {h.object for h in plan.hazards if h.code == "rows-change-partition"}
    assert moving == set(told)


def test_the_plan_tells_no_more_of_hash(database: TestDatabase, owner: Connection) -> None:
    owner.execute(BY["hash"].setup)
    codes = {hazard.code for hazard in make_plan(database.dsn, PlanOptions()).hazards}
    assert "rows-change-partition" in codes
    assert "rows-gather" not in codes


def test_a_key_that_decides_nothing(database: TestDatabase, owner: Connection) -> None:
    """Rows stay in their partitions, which may have own rules; remembered keys are translated."""
    owner.execute(SCENARIOS["partitions_by_range"].setup)
    placed: LiteralString = "select tableoid::regclass::text, number from orders order by number"
    before = owner.execute(placed).fetchall()
    old = one(owner, "select id from orders where number = 200")
    migrate(database.dsn, run_options=SMALL)
    assert owner.execute(placed).fetchall() == before
    now = one(owner, "select id from orders where number = 200")
    assert now != old
    owner.execute(
        "insert into items select created_at, %s, 99 from orders where id = %s", [old, now]
    )
    assert one(owner, "select order_id from items where position = 99") == now
    again: LiteralString = """insert into orders (created_at, id, customer_id, amount)
        select created_at, %s, customer_id, 1 from orders where id = %s
        on conflict (created_at, id) do update set amount = 4321"""
    owner.execute(again, [old, now])
    assert one(owner, "select number from orders where amount = 4321") == 200


def test_kept_keys_stay_where_they_belong(database: TestDatabase, owner: Connection) -> None:
    owner.execute(
        "create table t (id uuid default gen_random_uuid() primary key, n int)"
        " partition by range (id);"
        "create table t_0 partition of t for values from (minvalue) to"
        " ('02000000-0000-0000-0000-000000000000');"
        "create table t_1 partition of t for values from ('08000000-0000-0000-0000-000000000000')"
        " to (maxvalue);"
        "insert into t select ('9' || substr(id::text, 2))::uuid, n"
        " from (select gen_random_uuid(), n from generate_series(1, 50) n) new (id, n);"
        "insert into t values ('f0000000-0000-1000-8000-000000000000', 99)"
    )
    placed: LiteralString = "select tableoid::regclass::text, count(*) from t group by 1 order by 1"
    migrate(database.dsn, PlanOptions(non_v4="keep"), SMALL)
    assert owner.execute(placed).fetchall() == [("t_0", 50), ("t_1", 1)]
    rollback(database.dsn)
    assert owner.execute(placed).fetchall() == [("t_1", 51)]
