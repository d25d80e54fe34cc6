"""What the comparison of strategies foretells for indexes is what happens on a server."""

from __future__ import annotations

import json
from typing import LiteralString

import psycopg
import pytest

from tests.acceptance.commands import run
from tests.servers import TestDatabase
from uuidmig import PlanOptions, finish, make_plan, migrate
from uuidmig.planner.model import StrategyOutlook

ROWS = 60_000
SCHEMA = """
CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
CREATE TABLE visits (tenant int, id uuid DEFAULT gen_random_uuid(), PRIMARY KEY (tenant, id));
"""


def fill(connection: psycopg.Connection) -> None:
    """One statement a thousand rows: as rows come, the tenants by turns."""
    for _ in range(ROWS // 1000):
        connection.execute("INSERT INTO orders SELECT FROM generate_series(1, 1000)")
        connection.execute(
            "INSERT INTO visits (tenant) SELECT n % 50 FROM generate_series(1, 1000) n"
        )


def size(connection: psycopg.Connection, index: LiteralString) -> int:
    row = connection.execute("SELECT pg_relation_size(%s)", [index]).fetchone()
    assert row is not None
    return int(row[0])


def growth(connection: psycopg.Connection) -> tuple[float, float]:
    """Fill the tables once more; return by how many bytes a row the two indexes grew."""
    before = size(connection, "orders_pkey"), size(connection, "visits_pkey")
    fill(connection)
    after = size(connection, "orders_pkey"), size(connection, "visits_pkey")
    return (after[0] - before[0]) / ROWS, (after[1] - before[1]) / ROWS


def foretold(outlook: StrategyOutlook, name: str) -> float:
    (found,) = (index for index in outlook.indexes if index.index.name == name)
    # (integer, uuid): 8 header, 24 with padding between them, 4 line pointer.
    full = 8152 / 36 if name == "visits_pkey" else 8152 / 28
    assert found.density_percent is not None
    return 8192 / (full * found.density_percent / 100)


def test_indexes_grow_as_foretold(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        fill(connection)
        rewrite, default_only = make_plan(database.dsn, PlanOptions()).strategies

        migrate(database.dsn, PlanOptions(strategy="default-only"))
        finish(database.dsn)
        mixed, scattered = growth(connection)
        assert mixed == pytest.approx(foretold(default_only, "orders_pkey"), rel=0.1)
        assert mixed == pytest.approx(default_only.indexes[0].bytes_a_key, rel=0.1)
        assert scattered == pytest.approx(foretold(default_only, "visits_pkey"), rel=0.15)

        migrate(database.dsn, PlanOptions())
        finish(database.dsn)
        rightmost, _ = growth(connection)
        assert rightmost == pytest.approx(rewrite.indexes[0].bytes_a_key, rel=0.1)


@pytest.mark.parametrize("strategy", ["rewrite", "default-only"])
def test_the_plan_shows_both(database: TestDatabase, strategy: str) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("CREATE VIEW v AS SELECT orders FROM orders")
    code = 3 if strategy == "rewrite" else 0  # the view
    told = run(database.dsn, "plan", "--strategy", strategy)
    assert told.code == code
    for text in (
        "Strategies",
        f"{strategy} (this plan)",
        "1 refusal",
        "public.visits_pkey (tenant",
    ):
        assert text in told.output, told.output
    text = run(database.dsn, "plan", "--strategy", strategy, "--json").output
    document, _ = json.JSONDecoder().raw_decode(text)  # the refusals are told after it
    assert [entry["strategy"] for entry in document["strategies"]] == ["rewrite", "default-only"]
    assert [entry["refusals"] for entry in document["strategies"]] == [1, 0]
    script = run(database.dsn, "plan", "--strategy", strategy, "--sql").output
    assert "half full" not in script.replace("pages stay about half full for good", "")
