"""Partitioned tables through the whole product: writers, crashes, changes of the tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
import pytest

from tests.acceptance.commands import run_into
from tests.numbered_writers import NUMBERS, NumberedWriter, at_work, require_no_errors
from tests.scenarios.read import SCENARIOS
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import (
    PlanOptions,
    RunOptions,
    abort,
    finish,
    make_plan,
    migrate,
    rollback,
    status,
)
from uuidmig.errors import SchemaDrift, VerificationFailed

Connection = psycopg.Connection[Any]
SMALL = RunOptions(batch=100)
MIGRATE = ("migrate", "--yes", "--batch", "100")

# Every row by what people call it, with what it references: the same before and after.
PICTURE: LiteralString = """
select 'orders', o.tableoid::regclass::text, o.number, o.amount, c.name, o.created_at::text
from orders o join customers c on c.id = o.customer_id
union all
select 'items', i.tableoid::regclass::text, o.number, i.position, i.text, o.created_at::text
from items i join orders o on (o.id, o.created_at) = (i.order_id, i.order_created_at)
union all
select 'payments', '', o.number, 0, '', o.created_at::text
from payments p left join orders o on (o.id, o.created_at) = (p.order_id, p.order_created_at)
union all
select 'events', e.tableoid::regclass::text, o.number, 0, e.kind, o.created_at::text
from events e join orders o on (o.id, o.created_at) = (e.order_id, e.order_created_at)
order by 1, 2, 3, 4, 5, 6"""


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True, application_name="uuidmig:test") as owner:
        owner.execute(SCENARIOS["partitions"].setup)
        yield owner


def picture(shop: Connection) -> list[tuple[Any, ...]]:
    return shop.execute(PICTURE).fetchall()


def one(connection: Connection, query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def old_keys(shop: Connection) -> int:
    """Return how many keys of orders and references to them are not version 7."""
    query: LiteralString = """
        select count(*) from (select id from orders union all select order_id from items
            union all select order_id from payments union all select customer_id from orders) k (id)
        where get_byte(uuid_send(id), 6) & 240 <> 112"""
    return int(one(shop, query))


def use(shop: Connection) -> None:
    """Work with the tables as an application does: foreign keys, triggers and indexes hold."""
    shop.execute("delete from customers where name = 'new'")
    shop.execute(SCENARIOS["partitions"].after_cutover)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.execute("insert into items values (gen_random_uuid(), '2024-01-01', 1)")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.execute("insert into items_0 values (gen_random_uuid(), '2024-01-01', 2)")
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.execute("update orders set amount = -1")
    shop.execute("update orders set amount = amount + 1 where number % 5 = 1")


def foreign_keys(shop: Connection) -> list[tuple[Any, ...]]:
    """Return every foreign key, those of partitions too, with what it hangs on.

    The server numbers those to partitions in the order of their oids; before 18 it leaves them
    not valid when it validates the one to the whole.
    """
    return shop.execute(
        r"""select k.conrelid::regclass::text, regexp_replace(k.conname, '_?\d+$', ''),
            k.confrelid::regclass::text, k.coninhcount, k.conislocal, above.oid is not null,
            k.convalidated or k.conrelid is not distinct from above.conrelid
        from pg_constraint k left join pg_constraint above on above.oid = k.conparentid
        where k.connamespace is distinct from to_regnamespace('uuidmig') and k.contype = 'f'
        order by 1, 2, 3, 4, 5, 6, 7"""
    ).fetchall()


def test_there_and_back_and_there_for_good(database: TestDatabase, shop: Connection) -> None:
    before, dump, keys = picture(shop), schema_dump(database), foreign_keys(shop)
    report = migrate(database.dsn, run_options=SMALL)
    assert report.state == "validated"
    assert (picture(shop), old_keys(shop), foreign_keys(shop)) == (before, 0, keys)
    use(shop)
    used = picture(shop)
    rollback(database.dsn)
    assert (picture(shop), foreign_keys(shop)) == (used, keys)
    assert old_keys(shop) > 0
    abort(database.dsn)
    assert_same(schema_dump(database), dump)
    use(shop)
    used = picture(shop)
    plan = make_plan(database.dsn, PlanOptions())
    migrate(database.dsn, run_options=SMALL)
    finish(database.dsn)
    assert (picture(shop), foreign_keys(shop)) == (used, keys)
    assert_same(finished_dump(database), with_new_defaults(dump, plan))
    shop.execute("truncate orders_2024_h1 cascade")
    use(shop)


class Writer(NumberedWriter):
    """Moves rows between partitions, inserts, deletes and truncates, and counts what it did."""

    def work(self, connection: Connection, number: int) -> None:
        month = f"{2023 + number % 3}-{1 + number % 12:02}-05"
        with connection.transaction():
            connection.execute(
                "insert into orders (number, customer_id, amount, created_at)"
                " select %s, id, 1, %s from customers order by name limit 1",
                [number, month],
            )
            connection.execute(
                "insert into items select id, created_at, p, 'w'"
                " from orders, generate_series(1, 2) p where number = %s",
                [number],
            )
        self.expected[number] = 1
        earlier = number - 3
        if earlier not in self.expected:
            return
        if number % 4 == 0:
            connection.execute("delete from orders where number = %s", [earlier])
            del self.expected[earlier]
            return
        connection.execute(
            "update orders set created_at = created_at + interval '5 months', amount = amount + 1"
            " where number = %s",
            [earlier],
        )
        self.expected[earlier] += 1
        if number % 400 == 0:
            connection.execute("truncate events_paid")
            connection.execute("insert into events (kind) values ('paid')")


def check(shop: Connection, threads: Sequence[Writer]) -> None:
    expected = require_no_errors(threads)
    rows = shop.execute("select number, amount::int from orders where number >= 2000000").fetchall()
    assert dict(rows) == expected
    assert len(rows) == len(expected)
    items = one(shop, "select count(*) from items where text = 'w'")
    assert items == 2 * len(expected)


def test_under_load(database: TestDatabase, shop: Connection) -> None:
    shop.execute("insert into customers (name) select 'many' from generate_series(1, 20000)")
    shop.execute(
        "insert into orders (customer_id, amount, created_at) select id, 5,"
        " timestamptz '2023-01-01' + random() * interval '3 years' from customers"
    )
    with at_work([Writer(database.dsn, number) for number in NUMBERS]) as threads:
        migrate(database.dsn, run_options=RunOptions(batch=500))
        assert old_keys(shop) == 0
        rollback(database.dsn)
        migrate(database.dsn, run_options=RunOptions(batch=500))
    check(shop, threads)
    finish(database.dsn)
    check(shop, threads)
    assert old_keys(shop) == 0


@pytest.mark.parametrize(
    "place", ["prepare", "cut", "copying:5", "batch:3", "index:3", "attached", "validated"]
)
def test_killed_migration_goes_on(database: TestDatabase, shop: Connection, place: str) -> None:
    before, keys = picture(shop), foreign_keys(shop)
    run_into(database.dsn, place, *MIGRATE)
    assert status(database.dsn).next_commands
    assert picture(shop) == before
    assert migrate(database.dsn, run_options=SMALL).state == "validated"
    assert (picture(shop), old_keys(shop), foreign_keys(shop)) == (before, 0, keys)


def test_rollback_before_the_keys_are_validated(database: TestDatabase, shop: Connection) -> None:
    before, keys, dump = picture(shop), foreign_keys(shop), schema_dump(database)
    run_into(database.dsn, "cutover", *MIGRATE)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.execute("insert into items values (gen_random_uuid(), '2024-01-01', 1)")
    rollback(database.dsn)
    assert (picture(shop), foreign_keys(shop)) == (before, keys)
    abort(database.dsn)
    assert_same(schema_dump(database), dump)


def test_only_the_partition_that_was_rewritten_is_copied_again(
    database: TestDatabase, shop: Connection
) -> None:
    before = picture(shop)
    run_into(database.dsn, "copy", *MIGRATE)  # all is copied, and stands in the journal
    shop.execute("update uuidmig.run set state = 'copying'")
    shop.execute("update uuidmig.chunk set done = false where heap = 2")
    done: LiteralString = "select max(finished_at) from uuidmig.chunk where heap = 1"
    first = one(shop, done)
    rewritten = one(
        shop,
        "select source::regclass::text from uuidmig.heap where number = 2 and table_number ="
        " (select number from uuidmig.closure_table where table_name = 'orders')",
    )
    shop.execute(psycopg.sql.SQL("vacuum full {}").format(psycopg.sql.SQL(rewritten)))
    migrate(database.dsn, run_options=SMALL)
    assert one(shop, done) == first
    assert picture(shop) == before


CHANGES: dict[LiteralString, tuple[LiteralString, str]] = {
    "created": (
        "create table orders_2020 partition of orders"
        " for values from ('2020-01-01') to ('2021-01-01')",
        "partition public.orders_2020 of public.orders was added",
    ),
    "dropped": (
        "drop table events_paid",
        "partition public.events_paid of public.events was dropped",
    ),
    "detached": (
        "alter table events_known detach partition events_paid",
        "partition public.events_paid of public.events was detached",
    ),
    "attached again": (
        "alter table events_known detach partition events_paid;"
        "update events_paid set at = '2001-01-01';"
        "alter table events_known attach partition events_paid for values in ('paid')",
        "partition public.events_paid of public.events was detached and attached again",
    ),
    "other bounds": (
        "alter table events_known detach partition events_paid;"
        "delete from events_paid;"
        "alter table events_known attach partition events_paid for values in ('sent')",
        "partition public.events_paid of public.events was detached and attached again",
    ),
    "renamed": (
        'alter table events_paid rename to "Paid Events"',
        'partition public.events_paid of public.events is another now: public."Paid Events"',
    ),
}


@pytest.mark.parametrize("until", ["build", "verify"])
@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_tree_stops_the_cutover(
    database: TestDatabase, shop: Connection, case: LiteralString, until: str
) -> None:
    change, message = CHANGES[case]
    run_into(database.dsn, until, *MIGRATE)
    if case == "created":
        shop.execute("delete from orders_rest where created_at < '2021-01-01'")
    shop.execute(change)
    before = picture(shop)
    with pytest.raises(SchemaDrift) as told:
        migrate(database.dsn, run_options=SMALL)
    assert "changed since prepare" in str(told.value)
    assert message in str(told.value)
    assert "uuidmig abort, then migrate again" in str(told.value)
    assert status(database.dsn).state != "verify_failed"
    abort(database.dsn)
    assert picture(shop) == before
    assert one(shop, "select count(*) from pg_trigger where tgname ~ 'uuidmig'") == 0
    assert migrate(database.dsn, run_options=SMALL).state == "validated"
    assert picture(shop) == before


def test_an_empty_partition_may_be_taken_away_again(
    database: TestDatabase, shop: Connection
) -> None:
    run_into(database.dsn, "verify", *MIGRATE)
    shop.execute("create table events_new partition of events for values in ('new')")
    with pytest.raises(SchemaDrift) as told:
        migrate(database.dsn, run_options=SMALL)
    command = "DROP TABLE public.events_new"
    assert f"If public.events_new is empty: {command}, then uuidmig migrate" in str(told.value)
    assert status(database.dsn).state == "caught_up"
    shop.execute(command.encode())
    before = picture(shop)
    assert migrate(database.dsn, run_options=SMALL).state == "validated"
    assert picture(shop) == before


def test_rows_of_a_partition_that_was_taken_away_again_are_found(
    database: TestDatabase, shop: Connection
) -> None:
    run_into(database.dsn, "verify", *MIGRATE)
    shop.execute("create table events_new partition of events for values in ('new')")
    shop.execute("insert into events (kind) values ('new')")
    with pytest.raises(SchemaDrift, match=r"public\.events_new of public\.events was added"):
        migrate(database.dsn, run_options=SMALL)
    shop.execute("drop table events_new")
    with pytest.raises(VerificationFailed):
        migrate(database.dsn, run_options=SMALL)
    abort(database.dsn)


@pytest.mark.parametrize(
    ("change", "undo", "named"),
    [
        (
            "create table events_new partition of events for values in ('new')",
            "alter table events detach partition events_new; drop table events_new",
            "new: events_new FOR VALUES IN ('new')",
        ),
        (
            "alter table events_known detach partition events_paid",
            "alter table events_known attach partition events_paid for values in ('paid')",
            "gone: events_paid FOR VALUES IN ('paid')",
        ),
    ],
    ids=["created", "detached"],
)
def test_a_changed_tree_stops_a_rollback(
    database: TestDatabase,
    shop: Connection,
    change: LiteralString,
    undo: LiteralString,
    named: str,
) -> None:
    keys = foreign_keys(shop)
    migrate(database.dsn, run_options=SMALL)
    shop.execute(change)
    shop.execute("insert into events (kind) values ('new')")
    before = picture(shop)
    with pytest.raises(SchemaDrift, match=r"partitions of public\.events changed") as told:
        rollback(database.dsn)
    assert named in str(told.value)
    assert (status(database.dsn).state, picture(shop)) == ("validated", before)
    shop.execute(undo)
    before = picture(shop)
    assert rollback(database.dsn).state == "rolled_back"
    assert (picture(shop), foreign_keys(shop)) == (before, keys)
    abort(database.dsn)


def test_a_changed_tree_does_not_stop_finish(database: TestDatabase, shop: Connection) -> None:
    migrate(database.dsn, run_options=SMALL)
    shop.execute("create table events_new partition of events for values in ('new')")
    shop.execute("drop table events_paid")
    use(shop)
    before = picture(shop)
    finish(database.dsn)
    assert picture(shop) == before
    left = "select count(*) from pg_trigger where tgname ~ 'uuidmig'"
    assert one(shop, left) == 0
