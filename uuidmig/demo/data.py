"""Fill the shop with orders of the last two years, made by the server itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from uuidmig.demo.schema import SCHEMA, TABLES, read_sql
from uuidmig.executors import choose_pool

# Parents first; then two branches that know nothing of each other, on a connection each.
# `refunds` fills payments a second time.
_ROOTS = ("customers", "profiles", "tags", "orders")
_BRANCHES = (("order_items",), ("payments", "refunds", "order_tags", "audit_log"))

_CUSTOMERS_PER_ORDER = 10


def load_shop(connection: psycopg.Connection[TupleRow], *, orders: int = 100_000) -> int:
    """Insert `orders` orders and all that goes with them into an empty shop; return all rows.

    `connection` must be in autocommit mode. Rows arrive in time order, as they would have in two
    years of trading, so heaps are in time order and the indexes of the random keys are not.
    Everything but the keys is determined by `orders` and the day.
    """
    counts = {"orders": orders, "customers": max(1, orders // _CUSTOMERS_PER_ORDER)}
    rows = _insert(connection, _ROOTS, counts)
    dsn = make_conninfo(connection.info.dsn, password=connection.info.password)

    def insert_branch(names: Sequence[str]) -> int:
        with psycopg.connect(dsn) as other:
            return _insert(other, names, counts)

    with choose_pool("io", len(_BRANCHES)).open("shop") as pool:
        rows += sum(pool.map(insert_branch, _BRANCHES))
    _analyze(connection)
    return rows


def _insert(
    connection: psycopg.Connection[TupleRow], names: Sequence[str], counts: Mapping[str, int]
) -> int:
    with connection.transaction():
        return sum(
            connection.execute(read_sql(f"sql/{name}.sql"), counts).rowcount for name in names
        )


def _analyze(connection: psycopg.Connection[TupleRow]) -> None:
    """Vacuum and analyze, as autovacuum would have long since done on a shop two years old."""
    names = sql.SQL(", ").join(sql.Identifier(SCHEMA, name) for name in TABLES)
    connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(names))
