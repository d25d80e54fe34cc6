"""`kill -9` while rows are on their way from one session to the other."""

from __future__ import annotations

from typing import LiteralString

import pytest

from tests.acceptance.commands import run_into
from tests.servers import TestDatabase
from uuidmig import abort, migrate, status

SCHEMA: LiteralString = """
CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz NOT NULL, n int);
CREATE TABLE items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), order_id uuid REFERENCES orders, n int
);
INSERT INTO orders (at, n) SELECT '2024-01-01'::timestamptz + n * interval '1 s', n
FROM generate_series(1, 330000) n;
INSERT INTO items (order_id, n) SELECT id, n FROM orders;
ANALYZE;
"""


@pytest.mark.parametrize("place", ["relaying:1", "relaying:40", "relaying:300"])
def test_killed_among_the_rows(database: TestDatabase, place: str) -> None:
    """The first claim, with nothing arrived; amid the orders; amid the items."""
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        run_into(database.dsn, place, "migrate", "--yes", "--workers", "1")
        assert status(database.dsn).state == "copying"
        assert migrate(database.dsn).state == "validated"
        found = owner.execute(
            "SELECT count(*), sum(i.n), count(*) FILTER (WHERE i.n = o.n"
            " AND substr(o.id::text, 15, 1) = '7' AND substr(i.id::text, 15, 1) = '7')"
            " FROM items i JOIN orders o ON o.id = i.order_id"
        ).fetchone()
        assert found == (330_000, 330_000 * 330_001 // 2, 330_000)
        copied = owner.execute("SELECT sum(rows) FROM uuidmig.chunk").fetchone()
        assert copied == (660_000,)


def test_abort_after_a_kill(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        run_into(database.dsn, "relaying:40", "migrate", "--yes", "--workers", "1")
        abort(database.dsn)
        left = owner.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^uuidmig|__uuid[47]$'"
        ).fetchone()
        assert left == (0,)
