"""Strategy default-only: new keys are version 7, present keys stay, and there is a way back."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.acceptance.commands import run
from tests.acceptance.shop import Shop
from tests.integration.default_only import (
    DEFAULT_ONLY,
    MANUAL,
    MIGRATE,
    assert_only_defaults_differ,
)
from tests.integration.test_revisions import OFFLINE, ONLINE, alembic, down, up
from tests.schema_dump import schema_dump
from tests.servers import TestDatabase
from uuidmig import PlanOptions, abort, finish, make_plan, migrate, rollback, status
from uuidmig.alembic_.render import render_revisions, write_revisions
from uuidmig.alembic_.runner import current, stored_revisions

# What a rewrite refuses: views, forced row security, partitions, inheritance.
HARD = """
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Ten""ants" ("I d" uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
CREATE TABLE seats (
    tenant uuid NOT NULL REFERENCES "My Schema"."Ten""ants", id uuid DEFAULT gen_random_uuid(),
    token uuid DEFAULT gen_random_uuid(), PRIMARY KEY (tenant, id));
CREATE VIEW all_seats AS SELECT * FROM seats;
CREATE MATERIALIZED VIEW seat_counts AS SELECT tenant, count(*) FROM seats GROUP BY 1;
ALTER TABLE seats ENABLE ROW LEVEL SECURITY;
ALTER TABLE seats FORCE ROW LEVEL SECURITY;
CREATE POLICY everything ON seats USING (true);
CREATE TABLE events (
    id uuid DEFAULT gen_random_uuid(), at timestamptz NOT NULL, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE events_2026 ALTER COLUMN id DROP DEFAULT;
CREATE TABLE animals (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
CREATE TABLE dogs (barks boolean) INHERITS (animals);
CREATE TABLE made_outside (id uuid PRIMARY KEY);
CREATE FUNCTION own_key() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
CREATE TABLE made_by_us (id uuid PRIMARY KEY DEFAULT own_key());
CREATE UNLOGGED TABLE quick (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
INSERT INTO "My Schema"."Ten""ants" (name) SELECT 'old' FROM generate_series(1, 20);
INSERT INTO seats (tenant) SELECT "I d" FROM "My Schema"."Ten""ants";
INSERT INTO events (at) SELECT '2025-02-03' FROM generate_series(1, 20);
INSERT INTO animals (name) VALUES ('old');
INSERT INTO made_outside SELECT gen_random_uuid() FROM generate_series(1, 3);
INSERT INTO made_by_us DEFAULT VALUES;
"""
SWITCHED = {
    'My Schema.Ten"ants.I d',
    "public.animals.id",
    "public.dogs.id",
    "public.events.id",
    "public.events_2025.id",
    "public.quick.id",
    "public.seats.id",
}


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def hard(database: TestDatabase, connection: psycopg.Connection) -> TestDatabase:
    connection.execute(HARD)
    return database


def version(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0].bytes[6] >> 4)


def test_nothing_but_defaults_of_keys_changes(
    hard: TestDatabase, connection: psycopg.Connection
) -> None:
    before, plan = schema_dump(hard), make_plan(hard.dsn, DEFAULT_ONLY)
    assert {str(switch.column) for switch in plan.switches} == SWITCHED
    assert plan.refusals == ()
    assert make_plan(hard.dsn, PlanOptions()).refusals

    report = migrate(hard.dsn, DEFAULT_ONLY)

    assert (report.state, set(report.switched)) == ("switched", SWITCHED)
    assert [step for step, _ in report.stalls] == ["cutover"]
    inserts: tuple[tuple[LiteralString, int], ...] = (
        ("""INSERT INTO "My Schema"."Ten""ants" (name) VALUES ('new') RETURNING "I d" """, 7),
        ("INSERT INTO events (at) VALUES ('2025-05-05') RETURNING id", 7),
        ("INSERT INTO events_2025 (at) VALUES ('2025-05-05') RETURNING id", 7),
        ("INSERT INTO events (at) VALUES ('2026-05-05') RETURNING id", 7),
        ("INSERT INTO dogs (name) VALUES ('new') RETURNING id", 7),
        ("INSERT INTO made_by_us DEFAULT VALUES RETURNING id", 4),
    )
    for insert, key in inserts:
        assert version(connection, insert) == key, insert
    tokens = """INSERT INTO seats (tenant) SELECT "I d" FROM "My Schema"."Ten""ants" LIMIT 1"""
    assert version(connection, tokens + " RETURNING token") == 4
    assert version(connection, tokens + " RETURNING id") == 7
    old = """SELECT "I d" FROM "My Schema"."Ten""ants" WHERE name = 'old'"""
    assert {row[0].bytes[6] >> 4 for row in connection.execute(old)} == {4}

    finish(hard.dsn)

    assert status(hard.dsn).state is None
    assert_only_defaults_differ(hard, before, len(SWITCHED))
    assert version(connection, "INSERT INTO quick DEFAULT VALUES RETURNING id") == 7


def test_back_and_away_leaves_no_trace(hard: TestDatabase, connection: psycopg.Connection) -> None:
    before = schema_dump(hard)
    migrate(hard.dsn, DEFAULT_ONLY)
    assert rollback(hard.dsn).state == "rolled_back"
    assert rollback(hard.dsn).state == "rolled_back"
    assert version(connection, "INSERT INTO quick DEFAULT VALUES RETURNING id") == 4
    assert migrate(hard.dsn, DEFAULT_ONLY).state == "switched"  # cleans up and starts afresh
    rollback(hard.dsn)
    abort(hard.dsn)
    assert schema_dump(hard) == before


def test_the_default_of_a_domain(database: TestDatabase, connection: psycopg.Connection) -> None:
    """The column gets a default of its own, and loses it on the way back."""
    connection.execute("""CREATE DOMAIN key AS uuid DEFAULT gen_random_uuid();
        CREATE DOMAIN "My Key" AS key;
        CREATE TABLE parcels (id "My Key", at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE old_parcels PARTITION OF parcels FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
        CREATE TABLE stamps (id key PRIMARY KEY, other key)""")
    insert: LiteralString = "INSERT INTO stamps DEFAULT VALUES RETURNING id"
    old_part: LiteralString = "INSERT INTO old_parcels (at) VALUES ('2024-01-01') RETURNING id"
    before = schema_dump(database)
    plan = make_plan(database.dsn, DEFAULT_ONLY)
    switched = {"public.parcels.id", "public.old_parcels.id", "public.stamps.id"}
    assert {str(switch.column) for switch in plan.switches} == switched
    assert {h.object for h in plan.hazards if h.code == "domain-default"} == switched
    migrate(database.dsn, DEFAULT_ONLY)
    assert (version(connection, insert), version(connection, old_part)) == (7, 7)
    rollback(database.dsn)
    assert (version(connection, insert), version(connection, old_part)) == (4, 4)
    abort(database.dsn)
    assert schema_dump(database) == before
    migrate(database.dsn, DEFAULT_ONLY)
    finish(database.dsn)
    assert version(connection, insert) == 7
    connection.execute("ALTER TABLE stamps ALTER id DROP DEFAULT")
    connection.execute("ALTER TABLE parcels ALTER id DROP DEFAULT")
    assert_only_defaults_differ(database, before, 0)


def test_what_others_make_is_named(hard: TestDatabase) -> None:
    hazards = make_plan(hard.dsn, DEFAULT_ONLY).hazards
    assert {(h.code, h.object) for h in hazards if h.severity == "warning"} == {
        ("application-keys", "public.made_outside.id"),
        ("unknown-generator", "public.made_by_us.id"),
        ("mixed-keys", hard.name),
    }


def test_parents_come_before_children_and_partitions(hard: TestDatabase) -> None:
    order = [str(s.column.table) for s in make_plan(hard.dsn, DEFAULT_ONLY).switches]
    assert order.index('My Schema.Ten"ants') < order.index("public.seats")
    assert order.index("public.events") < order.index("public.events_2025")
    assert order.index("public.animals") < order.index("public.dogs")


def test_one_table_with_its_partitions(hard: TestDatabase) -> None:
    options = PlanOptions(tables=("events",), strategy="default-only")
    plan = make_plan(hard.dsn, options)
    assert {str(s.column) for s in plan.switches} == {"public.events.id", "public.events_2025.id"}


def test_the_commands(shop: Shop, tmp_path: Path) -> None:
    before = schema_dump(shop.database)
    count = len(make_plan(shop.dsn, DEFAULT_ONLY).switches)
    assert run(shop.dsn, *MIGRATE, "--cutover", "manual").code == 0
    assert (shop.state(), shop.versions()) == ("prepared", {4})
    assert run(shop.dsn, "rollback", "--yes").code == 3
    told = run(shop.dsn, "cutover", "--yes")
    assert (told.code, "writers waited" in told.output) == (0, True), told.output
    told = run(shop.dsn, "status")
    assert all(text in told.output for text in ("switched", "default-only", "shop.orders.id"))
    document = json.loads(run(shop.dsn, "status", "--json").output)["status"]
    assert (document["state"], document["strategy"]) == ("switched", "default-only")
    assert len(document["switches"]) == count
    for command in ("abort", "verify"):
        arguments = (command, "--yes") if command == "abort" else (command,)
        assert run(shop.dsn, *arguments).code == 3, command
    assert run(shop.dsn, "lookup", "00000000-0000-4000-8000-000000000000").code == 3
    assert run(shop.dsn, "rollback", "--yes").code == 0
    told = run(shop.dsn, *MIGRATE)
    assert (told.code, "uuidmig finish" in told.output) == (0, True), told.output
    assert run(shop.dsn, "migrate", "--yes").code == 0  # resuming needs no options
    assert run(shop.dsn, "migrate", "--yes", "--no-grace").code == 3
    assert run(shop.dsn, "finish", "--yes").code == 0
    assert_only_defaults_differ(shop.database, before, count)


def test_the_setting_of_the_file(shop: Shop) -> None:
    ended = run(shop.dsn, "migrate", "--yes", environment={"UUIDMIG_STRATEGY": "default-only"})
    assert (ended.code, shop.state()) == (0, "switched"), ended.output
    assert run(shop.dsn, "plan", "--strategy", "none").code == 2


def test_a_rewrite_afterwards_maps_what_is_left(shop: Shop) -> None:
    before = schema_dump(shop.database)
    count = len(make_plan(shop.dsn, DEFAULT_ONLY).switches)
    migrate(shop.dsn, DEFAULT_ONLY)
    finish(shop.dsn)
    shop.connection.execute(
        "INSERT INTO shop.customers (email, name)"
        " SELECT 'new@' || n, 'n' FROM generate_series(1, 9) n"
    )
    keys, picture = shop.keys(), shop.picture()
    assert shop.versions() == {4, 7}
    assert migrate(shop.dsn, PlanOptions(strategy="rewrite")).state == "validated"
    assert (shop.versions(), shop.picture()) == ({7}, picture)
    after = shop.keys()
    assert all(after[name] == key for name, key in keys.items() if key.version == 7)
    rollback(shop.dsn)
    assert shop.keys() == keys
    migrate(shop.dsn)
    finish(shop.dsn)
    assert_only_defaults_differ(shop.database, before, count)


def test_an_aborted_rewrite_keeps_the_generator_in_use(shop: Shop) -> None:
    migrate(shop.dsn, DEFAULT_ONLY)
    finish(shop.dsn)
    before = schema_dump(shop.database)
    migrate(shop.dsn, None, MANUAL)
    abort(shop.dsn)
    assert schema_dump(shop.database) == before


def test_migrate_runs_the_very_revisions_of_the_plan(shop: Shop, tmp_path: Path) -> None:
    before = schema_dump(shop.database)
    wanted = run(shop.dsn, "plan", "--strategy", "default-only", "--revisions", str(tmp_path))
    assert wanted.code == 0, wanted.output
    migrate(shop.dsn, DEFAULT_ONLY)
    stored = stored_revisions(shop.connection)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        revision.file_name: revision.script for revision in stored
    }
    assert current(shop.dsn) == stored[1].id
    down(shop.database, stored, None)
    assert schema_dump(shop.database) == before
    up(shop.database, stored, "finish")
    assert current(shop.dsn) is None
    assert shop.schemas() <= {"uuidmig_keys"}


@pytest.mark.parametrize("way", ["online", "offline"])
def test_the_revisions_in_an_environment_of_the_users(
    hard: TestDatabase, connection: psycopg.Connection, tmp_path: Path, way: str
) -> None:
    before, plan = schema_dump(hard), make_plan(hard.dsn, DEFAULT_ONLY)
    revisions = render_revisions(plan)
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(OFFLINE if way == "offline" else ONLINE)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    write_revisions(plan, tmp_path / "versions")
    alembic(hard, tmp_path, way, "upgrade", revisions[1].id)
    assert version(connection, "INSERT INTO quick DEFAULT VALUES RETURNING id") == 7
    start = f"{revisions[1].id}:" if way == "offline" else ""
    alembic(hard, tmp_path, way, "downgrade", f"{start}base")
    connection.execute("DROP TABLE alembic_version")
    assert schema_dump(hard) == before
    alembic(hard, tmp_path, way, "upgrade", "head")
    connection.execute("DROP TABLE alembic_version")
    assert_only_defaults_differ(hard, before, len(SWITCHED))


def test_the_script_runs_in_psql(hard: TestDatabase, connection: psycopg.Connection) -> None:
    script = run(hard.dsn, "plan", "--strategy", "default-only", "--sql").output
    psql = [str(hard.server.bin / "psql"), "-X", "-q", hard.dsn]
    subprocess.run(psql, input=script, capture_output=True, text=True, check=True)
    assert version(connection, "INSERT INTO quick DEFAULT VALUES RETURNING id") == 7
    assert status(hard.dsn).state == "switched"


def test_plan_for_people_and_programs(shop: Shop) -> None:
    told = run(shop.dsn, "plan", "--strategy", "default-only").output
    for text in ("Defaults to be changed", "shop.orders.id", "switch-defaults", "mixed-keys"):
        assert text in told, told
    assert "Tables to be rewritten" not in told
    assert re.search(r"uuidmig migrate --strategy default-only\s*$", told)
    document = json.loads(run(shop.dsn, "plan", "--strategy", "default-only", "--json").output)
    assert [step["id"] for step in document["steps"]] == [
        "prepare-journal",
        "switch-defaults",
        "drop-journal",
    ]
    assert document["switches"][0].keys() == {"column", "old_default", "new_default"}
    assert document["tables"] == []
