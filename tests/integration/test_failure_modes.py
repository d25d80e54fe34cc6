"""Ways in which such migrations went wrong elsewhere, and that no other test provokes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig import PlanOptions, make_plan
from uuidmig.steps.copying import copy_statement

SHOP = """
CREATE TABLE customers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_id uuid NOT NULL REFERENCES customers,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE notes (id int PRIMARY KEY, order_id uuid REFERENCES orders);
INSERT INTO customers SELECT FROM generate_series(1, 50);
INSERT INTO orders (customer_id) SELECT id FROM customers;
INSERT INTO notes SELECT row_number() OVER (), id FROM orders;
"""
WRITES = """
INSERT INTO orders (customer_id) SELECT id FROM customers LIMIT 3;
UPDATE customers SET created_at = created_at;
UPDATE notes SET order_id = order_id;
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with closing(database.connect(autocommit=True)) as connection:
        connection.execute(SHOP)
        yield connection


def unchecked(connection: Connection) -> set[str]:
    """The foreign keys that are not validated."""
    rows = connection.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated"
    )
    return {name for (name,) in rows}


def test_foreign_keys_are_validated_after_the_swap_beside_writers(
    database: TestDatabase, connection: Connection
) -> None:
    migration = Migration.of(connection)
    migration.run_to_cutover()
    assert unchecked(connection) == {"orders_customer_id_fkey", "notes_order_id_fkey"}
    connection.execute("SET lock_timeout = '2s'")
    with database.connect() as writer:
        writer.execute(WRITES)  # its row locks stay until it commits
        migration.validate()
        assert unchecked(connection) == set()
    # And the other way round: who writes after a VALIDATE that has not committed does not wait.
    connection.execute("ALTER TABLE notes DROP CONSTRAINT notes_order_id_fkey")
    connection.execute(
        "ALTER TABLE notes ADD CONSTRAINT notes_order_id_fkey FOREIGN KEY (order_id)"
        " REFERENCES orders NOT VALID"
    )
    with connection.transaction(), database.connect(autocommit=True) as writer:
        migration.validate()
        writer.execute("SET lock_timeout = '2s'")
        writer.execute(WRITES)


def test_the_copy_takes_no_lock_that_writers_notice(
    database: TestDatabase, connection: Connection
) -> None:
    migration = Migration.of(connection)
    migration.prepare()
    with connection.transaction(), database.connect(autocommit=True) as writer:
        for table in migration.plan.tables:
            migration.run([copy_statement(migration.plan, table, (0, None))])
        held = connection.execute(
            "SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid()"
            " AND relation = ANY ('{customers,orders,notes}'::regclass[])"
        ).fetchall()
        assert held == [("AccessShareLock",)]
        # No row is locked: neither updates nor the checks of foreign keys wait.
        writer.execute("SET lock_timeout = '2s'")
        writer.execute("SELECT FROM customers FOR UPDATE NOWAIT")
        writer.execute("SELECT FROM orders FOR UPDATE NOWAIT")
        writer.execute(WRITES)
    migration.abort()


@contextmanager
def busy_autovacuum(database: TestDatabase) -> Iterator[None]:
    """Let the server look for tables to vacuum every second."""
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            admin.execute("ALTER SYSTEM RESET autovacuum_naptime")
            admin.execute("SELECT pg_reload_conf()")


def test_an_autovacuum_against_wraparound_is_refused(
    database: TestDatabase, connection: Connection
) -> None:
    connection.execute("ALTER TABLE orders SET (autovacuum_freeze_max_age = 100000)")
    connection.execute("SET synchronous_commit = off")
    connection.execute("""
        DO $$ BEGIN
            FOR i IN 1..100001 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
        END $$""")
    options = PlanOptions(tables=("orders",))
    with database.connect() as holder, busy_autovacuum(database):
        # An autovacuum of this kind does not pass over a table that is locked: it waits, in sight.
        holder.execute("LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE")
        pid = wait_for_vacuum(database)
        found = [h for h in make_plan(database.dsn, options).refusals if "wraparound" in h.code]
        assert [hazard.object for hazard in found] == ["public.orders"]
        assert str(pid) in found[0].message
        assert holder.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS


def wait_for_vacuum(database: TestDatabase) -> int:
    deadline = time.monotonic() + 90
    with database.connect_admin(autocommit=True) as admin:
        while time.monotonic() < deadline:
            row = admin.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND query LIKE 'autovacuum: %orders (to prevent wraparound)'"
            ).fetchone()
            if row is not None:
                return int(row[0])
            time.sleep(0.2)
    pytest.fail("no autovacuum came in 90 seconds")
