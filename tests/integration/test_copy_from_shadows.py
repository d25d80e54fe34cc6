"""New references taken from the filled shadows of their roots: the same rows as by the mapping,
whether they are inserted or relayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.scenarios.read import SCENARIOS
from tests.servers import OWNER_PASSWORD, TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig.engine import insert
from uuidmig.engine.chunks import Claim
from uuidmig.engine.insert import ClaimedCopy, RuledOut, copy_claim
from uuidmig.planner.model import ClosureTable
from uuidmig.planner.partitions import leaves
from uuidmig.steps import relaying
from uuidmig.steps.copying import copy_statement, roots_to_look_up

WIDE = tuple(range(100))  # chunk numbers: a claim that is wide enough

SCHEMA: LiteralString = """
create table orders (id uuid primary key, created_at timestamptz not null);
create table items (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null default now(),
    order_id uuid references orders, other_order_id uuid references orders, n int
);
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("CREATE EXTENSION btree_gist")
    with database.connect(autocommit=True) as owner:
        yield owner


@pytest.fixture(params=["inserted", "relayed"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the rows are to go; by themselves small tables are not worth relaying."""
    may = relaying.can_be_relayed if request.param == "relayed" else lambda plan, table: False
    monkeypatch.setattr(insert, "can_be_relayed", may)
    monkeypatch.setattr(relaying, "_is_narrow", lambda table: True)
    return str(request.param)


def copy(
    migration: Migration, table: ClosureTable, ruled_out: RuledOut, numbers: tuple[int, ...] = WIDE
) -> int:
    rows, connection = 0, migration.connection
    dsn = make_conninfo(connection.info.dsn, password=OWNER_PASSWORD)
    with connection.transaction():
        for heap, leaf in enumerate(leaves(table), start=1):
            claim = Claim(table.number, numbers, ((0, 1), (1, None)), heap)
            rows += copy_claim(ClaimedCopy(dsn, connection, migration.plan, leaf, claim, ruled_out))
    assert not ruled_out.tables  # none had to be inserted that was to be relayed
    return rows


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario(database: TestDatabase, connection: Connection, name: str) -> None:
    scenario = SCENARIOS[name]
    if database.server.version < scenario.minimum_version:
        pytest.skip(f"needs PostgreSQL {scenario.minimum_version}")
    connection.execute(scenario.setup)
    migration = Migration.of(connection, scenario.options)
    migration.prepare()
    ruled_out = RuledOut()
    for table in migration.plan.tables:
        copy(migration, table, ruled_out)
    connection.execute(scenario.while_copying)
    migration.purge()
    migration.build_indexes()
    migration.drain()
    migration.verify()
    migration.assert_shadows_equal()


def orders_and_items(connection: Connection, *orders: str) -> Migration:
    """Return a prepared migration of these orders, each with three items, the orders copied."""
    connection.execute(SCHEMA)
    for day, order in enumerate(orders, 1):
        connection.execute("INSERT INTO orders VALUES (%s, make_date(2024, 1, %s))", [order, day])
        connection.execute(
            "INSERT INTO items (order_id, other_order_id, n)"
            " SELECT %s, CASE n WHEN 2 THEN %s::uuid END, n FROM generate_series(1, 3) n",
            [order, orders[0]],
        )
    migration = Migration.of(connection)
    migration.prepare()
    copy(migration, migration.plan.tables[0], RuledOut())
    return migration


def domains(items: ClosureTable) -> frozenset[int]:
    return frozenset(reference.domain for reference in items.references)


def random_key(number: int, tail: int) -> str:
    return str(UUID(int=number << 96 | 4 << 76 | 0x8 << 60 | tail))


def test_references_come_from_the_shadow(connection: Connection) -> None:
    migration = orders_and_items(connection, random_key(1, 11), random_key(2, 22))
    items, ruled_out = migration.plan.tables[1], RuledOut()
    assert set(roots_to_look_up(migration.plan, items)) == domains(items)
    marked = UUID("01900000-0000-7000-8000-000000000016")  # tail 22: only the shadow knows it
    connection.execute(
        "UPDATE public__uuid7.orders SET id = %s WHERE id::text LIKE '%%16'", [marked]
    )
    assert copy(migration, items, ruled_out) == 6
    assert ruled_out.domains == set()
    found = connection.execute(
        "SELECT count(*) FROM public__uuid7.items WHERE order_id = %s", [marked]
    ).fetchone()
    assert found == (3,)


def test_a_parent_that_is_not_in_the_shadow_is_mapped(connection: Connection) -> None:
    migration = orders_and_items(connection, random_key(1, 11), random_key(2, 22))
    connection.execute("DELETE FROM public__uuid7.orders WHERE id::text LIKE '%16'")
    items = migration.plan.tables[1]
    assert copy(migration, items, RuledOut()) == 6
    assert migration.mapped_rows(items) == migration.shadow_rows(items)


def test_what_no_foreign_key_checks_stays(connection: Connection) -> None:
    """Beside a checked reference to the same keys: MATCH SIMPLE lets the other one dangle."""
    connection.execute(
        "CREATE TABLE orders (id uuid PRIMARY KEY, created_at timestamptz NOT NULL, tenant int,"
        " UNIQUE (id, tenant));"
        "CREATE TABLE items (id uuid PRIMARY KEY, created_at timestamptz NOT NULL,"
        " order_id uuid REFERENCES orders, former_id uuid, tenant int,"
        " FOREIGN KEY (former_id, tenant) REFERENCES orders (id, tenant));"
        "INSERT INTO orders SELECT gen_random_uuid(), now(), 1 FROM generate_series(1, 3);"
        "INSERT INTO items SELECT gen_random_uuid(), now(), id, gen_random_uuid() FROM orders"
    )
    migration = Migration.of(connection)
    migration.prepare()
    orders, items = migration.plan.tables
    copy(migration, orders, RuledOut())
    assert roots_to_look_up(migration.plan, items)
    assert copy(migration, items, RuledOut()) == 3
    lost = connection.execute(
        "SELECT count(*) FROM public__uuid7.items s WHERE NOT EXISTS"
        " (SELECT FROM items i WHERE i.former_id = s.former_id)"
    ).fetchone()
    assert lost == (0,)
    assert migration.mapped_rows(items) == migration.shadow_rows(items)


def test_parents_that_share_their_last_bytes(connection: Connection) -> None:
    migration = orders_and_items(connection, random_key(1, 11), random_key(2, 11))
    items, ruled_out = migration.plan.tables[1], RuledOut()
    assert copy(migration, items, ruled_out) == 6
    assert ruled_out.domains == domains(items)
    assert migration.mapped_rows(items) == migration.shadow_rows(items)


def test_a_join_that_multiplies_rows_is_stopped(connection: Connection) -> None:
    migration = orders_and_items(connection, *[random_key(n, 11) for n in range(1, 30)])
    items = migration.plan.tables[1]
    statement = copy_statement(
        migration.plan, items, (0, None), copied=domains(items), limit=29 * 3 + 1
    )
    with connection.transaction() as attempt:
        assert connection.execute(statement.query).rowcount == 29 * 3 + 1
        raise psycopg.Rollback(attempt)
    counted = sql.SQL("SELECT count(*) FROM {}").format(items.shadow.identifier)
    assert connection.execute(counted).fetchone() == (0,)


def test_rows_that_are_not_counted_are_mapped(
    database: TestDatabase, connection: Connection
) -> None:
    migration = orders_and_items(connection, random_key(1, 11), random_key(2, 22))
    items, ruled_out = migration.plan.tables[1], RuledOut()
    with database.connect_admin(autocommit=True) as admin:
        role = sql.Identifier(migration.connection.info.user)
        admin.execute(sql.SQL("GRANT SET ON PARAMETER track_counts TO {}").format(role))
    connection.execute("SET track_counts = off")
    name = sql.Identifier(database.name)
    connection.execute(sql.SQL("ALTER DATABASE {} SET track_counts = off").format(name))
    assert copy(migration, items, ruled_out) == 6
    assert ruled_out.domains == domains(items)
    assert migration.mapped_rows(items) == migration.shadow_rows(items)


def test_a_table_that_references_itself_too(connection: Connection) -> None:
    """Its own rows are read as parents too, and must not count as rows to insert."""
    connection.execute(SCHEMA)
    connection.execute("ALTER TABLE items ADD replaces uuid REFERENCES items")
    connection.execute(
        "INSERT INTO orders SELECT gen_random_uuid(), now() FROM generate_series(1, 9)"
    )
    connection.execute("INSERT INTO items (order_id) SELECT id FROM orders")
    connection.execute("UPDATE items SET replaces = (SELECT min(id::text)::uuid FROM items)")
    migration = Migration.of(connection)
    migration.prepare()
    orders, items = migration.plan.tables
    ruled_out = RuledOut()
    copy(migration, orders, ruled_out)
    assert copy(migration, items, ruled_out) == 9
    assert ruled_out.domains == set()
    assert migration.mapped_rows(items) == migration.shadow_rows(items)


def test_a_narrow_claim_is_mapped(connection: Connection) -> None:
    """Its few parents are found by their index; hashing all of the shadow would cost more."""
    migration = orders_and_items(connection, random_key(1, 11), random_key(2, 22))
    connection.execute("TRUNCATE public__uuid7.orders")
    items = migration.plan.tables[1]
    assert copy(migration, items, RuledOut(), numbers=(1,)) == 6
    assert migration.mapped_rows(items) == migration.shadow_rows(items)
