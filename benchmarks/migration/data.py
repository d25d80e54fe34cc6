"""The data all methods work on, and how to tell that a method did the whole job.

Tables are loaded first and indexed afterwards, so heaps are in time order and indexes dense.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from benchmarks.migration.mapping import new_key
from benchmarks.migration.scripts import Connection, read_sql, run_script
from uuidmig.errors import UuidmigError

ORDERS_AT_SCALE_1 = 1_000_000
ITEMS_PER_ORDER = 3

_MAPPED: sql.Composed = sql.SQL(
    "SELECT"
    " (SELECT bit_xor(hash_record_extended(ROW({key}, created_at, customer_number, note), 0))"
    "  FROM orders),"
    " (SELECT bit_xor(hash_record_extended(ROW({item}, {order}, sku, quantity, i.created_at), 0))"
    "  FROM items i JOIN orders o ON o.id = i.order_id)"
).format(
    key=new_key("orders"),
    item=new_key("i"),
    order=new_key("o"),
)


class WrongOutcome(UuidmigError):
    """A method left other rows, indexes or foreign keys than it should: its figures are void."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What two tables hold. Digests tell contents apart whatever the order of the rows."""

    orders: int
    items: int
    orders_digest: int
    items_digest: int
    indexes: int
    foreign_keys: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """A database to copy from, and what its copies must hold with old and with new keys."""

    scale: float
    database: str
    old_keys: Outcome
    new_keys: Outcome

    @property
    def rows(self) -> int:
        return self.old_keys.orders + self.old_keys.items


def order_count(scale: float) -> int:
    """Return the orders at that scale; there are three items to each."""
    return max(1, round(ORDERS_AT_SCALE_1 * scale))


def load(dsn: str, database: str, scale: float) -> Dataset:
    """Fill an empty database and return what was made of it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        run_script(connection, "schema")
        connection.execute(read_sql("orders"), {"orders": order_count(scale)})
        connection.execute(read_sql("items"))
        run_script(connection, "indexes")
        run_script(connection, "foreign_key")
        # Long done by autovacuum in a database that lived; now it must not start amid a method.
        connection.execute("VACUUM (FREEZE, ANALYZE) orders, items")
        old_keys = outcome(connection)
        return Dataset(scale, database, old_keys, _with_new_keys(connection, old_keys))


def outcome(connection: Connection) -> Outcome:
    """Return what the tables orders and items of the search path hold. Does not write."""
    with connection.cursor(row_factory=class_row(Outcome)) as cursor:
        found = cursor.execute(read_sql("outcome")).fetchone()
    assert found is not None  # aggregates always give a row
    return found


def _with_new_keys(connection: Connection, old: Outcome) -> Outcome:
    row = connection.execute(_MAPPED).fetchone()
    assert row is not None  # aggregates always give a row
    orders, items, _, _, *guards = astuple(old)
    return Outcome(orders, items, *row, *guards)
