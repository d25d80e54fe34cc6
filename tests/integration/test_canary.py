"""`plan --canary`: it copies what it says through the real mapping, and leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from psycopg import sql

from tests.acceptance.commands import run
from tests.acceptance.shop import Shop
from tests.scenarios.read import SCENARIOS
from tests.schema_dump import schema_dump
from tests.servers import TestDatabase
from uuidmig import PlanOptions, make_plan
from uuidmig.engine.canary import run_canary
from uuidmig.planner.canary import measured_forecast
from uuidmig.planner.partitions import all_leaves


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_table_of_every_schema(database: TestDatabase, name: str) -> None:
    scenario = SCENARIOS[name]
    if database.server.version < scenario.minimum_version:
        pytest.skip("needs a newer server")
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("CREATE EXTENSION btree_gist")
    with database.connect(autocommit=True) as connection:
        connection.execute(scenario.setup)
        before = schema_dump(database)
        plan = make_plan(database.dsn, scenario.options)
        samples = run_canary(database.dsn, plan)
        assert [sample.table for sample in samples] == [leaf.name for leaf in all_leaves(plan)]
        for sample in samples:
            query = sql.SQL("SELECT count(*) FROM {}").format(sample.table.identifier)
            assert connection.execute(query).fetchone() == (sample.rows,), sample.table
            assert sample.heap_bytes > 0 or not sample.rows
        left = connection.execute("SELECT relname FROM pg_class WHERE relname ~ 'canary'")
        assert left.fetchall() == []
    assert schema_dump(database) == before


def test_a_part_stands_for_the_whole(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id uuid PRIMARY KEY, at timestamptz NOT NULL, x text)")
        connection.execute(
            "INSERT INTO t SELECT gen_random_uuid(), now(), repeat('x', 80)"
            " FROM generate_series(1, 100000)"
        )
        connection.execute("VACUUM ANALYZE t")
        plan = make_plan(database.dsn, PlanOptions())
        (sample,) = run_canary(database.dsn, plan)
    assert not sample.whole
    assert sample.rows == pytest.approx(30_000, rel=0.05)
    assert plan.forecast is not None
    measured = measured_forecast(plan, [sample])
    assert measured.rows == pytest.approx(100_000, rel=0.02)
    assert measured.heap_bytes == pytest.approx(plan.forecast.heap_bytes, rel=0.05)
    # Sorted builds leave 90 %, random inserts two thirds.
    assert measured.index_bytes == pytest.approx(31.6 * 100_000, rel=0.1)
    assert measured.index_bytes < plan.forecast.index_bytes


def test_of_a_large_partition_too_only_a_part_is_copied(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t (id uuid, at timestamptz NOT NULL, x text, PRIMARY KEY (id, at))"
            " PARTITION BY RANGE (at);"
            "CREATE TABLE t_old PARTITION OF t FOR VALUES FROM (MINVALUE) TO ('2000-01-01');"
            "CREATE TABLE t_new PARTITION OF t DEFAULT;"
            "INSERT INTO t SELECT gen_random_uuid(), '2024-01-01', repeat('x', 80)"
            " FROM generate_series(1, 60000)"
        )
        connection.execute("VACUUM ANALYZE t")
        plan = make_plan(database.dsn, PlanOptions())
        old, new = sorted(run_canary(database.dsn, plan), key=lambda sample: sample.rows)
    assert (old.table.name, old.rows, old.whole) == ("t_old", 0, True)
    assert (new.table.name, new.whole) == ("t_new", False)
    assert new.rows == pytest.approx(30_000, rel=0.05)
    assert measured_forecast(plan, [old, new]).rows == pytest.approx(60_000, rel=0.02)


def test_nobody_waits_for_it_and_it_for_no_writer(shop: Shop) -> None:
    plan = make_plan(shop.dsn, PlanOptions())
    with shop.database.connect() as writer:
        writer.execute("UPDATE shop.orders SET note = 'open'")
        writer.execute("INSERT INTO shop.tags (name) VALUES ('open')")
        assert len(run_canary(shop.dsn, plan)) == len(plan.tables)


def test_for_people_and_programs(shop: Shop, tmp_path: Path) -> None:
    told = run(shop.dsn, "plan", "--canary").output
    for text in ("Canary: copied into temporary tables", "really copied through", "shop.orders"):
        assert text in told, told
    document = json.loads(run(shop.dsn, "plan", "--canary", "--json", "-q").output)
    assert {entry["table"] for entry in document["canary"]} >= {"shop.orders", "shop.customers"}
    assert document["canary"][0].keys() == {
        *("table", "rows", "whole", "seconds", "heap_bytes", "index_seconds", "index_bytes")
    }
    assert document["forecast"]["basis"] == document["strategies"][0]["basis"]
    without = json.loads(run(shop.dsn, "plan", "--json").output)
    assert without["canary"] is None
    assert without["forecast"]["basis"].startswith("estimated from catalog statistics")
    assert without["plan_hash"] == document["plan_hash"]


def test_the_revisions_are_the_same(shop: Shop, tmp_path: Path) -> None:
    for folder, options in (("a", ("--canary",)), ("b", ())):
        assert run(shop.dsn, "plan", "--revisions", str(tmp_path / folder), *options).code == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_text() == (tmp_path / "b" / path.name).read_text()


def test_without_a_copy_there_is_no_canary(shop: Shop) -> None:
    ended = run(shop.dsn, "plan", "--canary", "--strategy", "default-only")
    assert (ended.code, "copies nothing" in ended.output) == (2, True)
    shop.connection.execute("CREATE VIEW shop.v AS SELECT orders FROM shop.orders")
    ended = run(shop.dsn, "plan", "--canary")
    assert (ended.code, "no canary" in ended.output) == (3, True)
    assert "Canary:" not in ended.output
