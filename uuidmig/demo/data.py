"""Fill the shop with orders of the last two years, made by the server itself."""

from __future__ import annotations

import psycopg

from uuidmig.demo.schema import TABLES, read_sql

# In this order: parents first. `refunds` fills payments a second time.
_STATEMENTS = (
    "customers",
    "profiles",
    "tags",
    "orders",
    "order_items",
    "payments",
    "refunds",
    "order_tags",
    "audit_log",
)
_CUSTOMERS_PER_ORDER = 10


def load_shop(connection: psycopg.Connection[tuple[object, ...]], *, orders: int = 100_000) -> int:
    """Insert `orders` orders and all that goes with them into an empty shop; return all rows.

    Rows arrive in time order, as they would have in two years of trading, so heaps are in time
    order and the indexes of the random keys are not. Everything but the keys is determined by
    `orders` and the day.
    """
    counts = {"orders": orders, "customers": max(1, orders // _CUSTOMERS_PER_ORDER)}
    rows = 0
    with connection.transaction():
        for name in _STATEMENTS:
            rows += connection.execute(read_sql(f"sql/{name}.sql"), counts).rowcount
    _analyze(connection)
    return rows


def _analyze(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Vacuum and analyze, as autovacuum would have long since done on a shop two years old."""
    names = psycopg.sql.SQL(", ").join(psycopg.sql.Identifier("shop", name) for name in TABLES)
    connection.execute(psycopg.sql.SQL("VACUUM (ANALYZE) {}").format(names))
