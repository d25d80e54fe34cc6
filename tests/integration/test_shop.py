"""The demo's shop: one schema, whichever way it is made, and its data."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool

from scripts import shop_revisions
from tests.servers import TestDatabase
from uuidmig.demo.data import load_shop
from uuidmig.demo.schema import SCHEMA, TABLES, create_shop

INI = Path(__file__).parents[2] / "alembic.ini"
BASELINE = "0001_shop_baseline"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """env.py sets up logging for a process of its own: a handler on this test's captured stderr."""
    root, alembic = logging.getLogger(), logging.getLogger("alembic")
    before = root.handlers[:], root.level, alembic.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    alembic.setLevel(before[2])


def dump_schema(database: TestDatabase) -> str:
    program = database.server.bin / "pg_dump"
    done = subprocess.run(
        [program, "--schema-only", "--schema=shop", "--restrict-key=x", database.dsn],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def run_alembic(database: TestDatabase, action: str) -> None:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(database.dsn),
        poolclass=pool.NullPool,
    )
    config = Config(INI)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        if action == "upgrade":
            command.upgrade(config, BASELINE)
        else:
            command.downgrade(config, "base")


def test_baseline_revision_makes_what_the_demo_makes(database: TestDatabase) -> None:
    run_alembic(database, "upgrade")
    by_alembic = dump_schema(database)
    run_alembic(database, "downgrade")
    with database.connect(autocommit=True) as connection:
        assert not connection.execute("SELECT to_regnamespace('shop')").fetchone()[0]  # type: ignore[index]
        create_shop(connection)
    assert dump_schema(database) == by_alembic


def test_baseline_reads_the_dsn_from_the_environment(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UUIDMIG_DSN", database.dsn)
    command.upgrade(Config(INI), BASELINE)
    with database.connect() as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", [SCHEMA]
        ).fetchall()
    assert {name for (name,) in names} == set(TABLES)


def test_baseline_prints_a_script_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    command.upgrade(Config(INI), "head", sql=True)
    assert "CREATE TABLE shop.order_items" in capsys.readouterr().out


def test_load_makes_uuid4_keys_in_time_order(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        create_shop(connection)
        rows = load_shop(connection, orders=500)
        counted = 0
        for table in TABLES:
            query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(
                psycopg.sql.Identifier(SCHEMA, table)
            )
            (found,) = connection.execute(query).fetchone() or (0,)
            assert found > 0, table
            counted += found
        assert counted == rows
        facts = connection.execute(
            """
            SELECT
                count(*),
                count(*) FILTER (WHERE substr(id::text, 15, 1) = '4'),
                count(*) FILTER (WHERE later) < 10,
                max(created_at) - min(created_at) > interval '700 days',
                max(created_at) <= now(),
                count(replaces_order_id)
            FROM (
                SELECT *, created_at < lag(created_at) OVER (ORDER BY ctid) AS later
                FROM shop.orders
            ) AS o
            """
        ).fetchone()
    assert facts == (500, 500, True, True, True, 10)


def test_orders_have_three_items_on_average(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        create_shop(connection)
        load_shop(connection, orders=200)
        items = connection.execute("SELECT count(*) FROM shop.order_items").fetchone()
    assert items == (600,)


def test_no_order_is_older_than_its_customer(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        create_shop(connection)
        load_shop(connection, orders=1000)
        early = connection.execute(
            "SELECT count(*) FROM shop.orders JOIN shop.customers AS c ON c.id = customer_id"
            " WHERE orders.created_at < c.created_at"
        ).fetchone()
    assert early == (0,)


def test_the_example_revisions_are_those_that_are_made(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make shop-revisions` writes them anew."""
    if database.server.version != shop_revisions.MAJOR_VERSION:
        pytest.skip(f"the example is for PostgreSQL {shop_revisions.MAJOR_VERSION}")
    monkeypatch.setenv("UUIDMIG_DSN", database.dsn)
    folder = shop_revisions.PROJECT / shop_revisions.VERSIONS
    there = {path.name: path.read_text() for path in folder.glob(shop_revisions.PATTERN)}

    assert shop_revisions.make_revisions(database.dsn) == there
