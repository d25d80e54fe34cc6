"""What stands against a run: the exit code, the message, and that nothing was changed."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.acceptance.commands import Finished, run, run_into, wait_until
from tests.acceptance.shop import Shop
from tests.schema_dump import schema_dump
from tests.servers import OWNER, SETTINGS, TestDatabase
from uuidmig import (
    PlanOptions,
    RunOptions,
    abort,
    cutover,
    finish,
    make_plan,
    migrate,
    rollback,
    status,
    verify,
)
from uuidmig.catalog.preflight import read_preflight
from uuidmig.engine import planning
from uuidmig.engine.coordinator import coordinate
from uuidmig.engine.progress import Event, TableProgress
from uuidmig.errors import (
    AlreadyRunning,
    MappingCollision,
    NothingToMigrate,
    PlanMismatch,
    PreflightRefused,
    SchemaDrift,
    UuidmigError,
    VerificationFailed,
    WrongState,
)
from uuidmig.servers.binaries import clean_environment
from uuidmig.servers.embedded import embedded_server

MANUAL = RunOptions(cutover="manual")


def migrate_by_command(dsn: str, *arguments: str) -> Finished:
    return run(dsn, "migrate", "--yes", *arguments)


@contextmanager
def nothing_changes(shop: Shop) -> Iterator[None]:
    before, dump = shop.picture(), schema_dump(shop.database)
    yield
    assert schema_dump(shop.database) == dump
    assert shop.picture() == before


def test_a_second_coordinator_is_told_who_runs(shop: Shop) -> None:
    with coordinate(shop.dsn), nothing_changes(shop):
        ended = migrate_by_command(shop.dsn)
    assert ended.code == 3
    for part in (f"host {socket.gethostname()[:20]}", f"pid {os.getpid()}", "since 20"):
        assert part in ended.output


def test_the_way_back_is_for_one_coordinator_too(shop: Shop) -> None:
    migrate(shop.dsn)
    with coordinate(shop.dsn), pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}"):
        rollback(shop.dsn)
    assert shop.state() == "validated"


@pytest.mark.parametrize(
    "dsn", ["host=/nowhere dbname=shop", "postgresql://u:secret@127.0.0.1:1/shop"]
)
def test_unreachable_server(dsn: str) -> None:
    ended = migrate_by_command(dsn)
    assert ended.code == 2
    assert "cannot connect" in ended.output
    assert "secret" not in ended.output


def test_wrong_database(database: TestDatabase) -> None:
    ended = migrate_by_command(make_conninfo(database.dsn, dbname="not_there"))
    assert ended.code == 2
    assert "not_there" in ended.output


def test_nothing_to_migrate(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE plain (id bigint PRIMARY KEY)")
    dump = schema_dump(database)
    with pytest.raises(NothingToMigrate):
        migrate(database.dsn)
    assert migrate_by_command(database.dsn).code == 3
    assert schema_dump(database) == dump


@contextmanager
def role_of(database: TestDatabase, *grants: LiteralString) -> Iterator[str]:
    """Yield the connection string of another role with these grants on the database."""
    name = f"{database.name}_r"
    role = sql.Identifier(name)
    with database.connect_admin(autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        for grant in grants:
            connection.execute(sql.SQL(grant).format(role))
        try:
            yield make_conninfo(database.admin_dsn, user=name)
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_missing_rights_are_all_told(shop: Shop) -> None:
    grants: tuple[LiteralString, ...] = (
        "GRANT USAGE ON SCHEMA shop TO {}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {}",
    )
    with role_of(shop.database, *grants) as dsn, nothing_changes(shop):
        ended = migrate_by_command(dsn)
    assert ended.code == 3
    for table in ("customers", "orders", "order_items", "payments", "tags", "audit_log"):
        assert f"table shop.{table}" in ended.output
    assert "CREATE on database" in ended.output
    assert "nothing was changed" in ended.output


def test_too_little_disk_is_a_refusal(shop: Shop) -> None:
    plan = make_plan(shop.dsn, PlanOptions())
    assert plan.forecast is not None
    found = read_preflight(shop.connection, [table.name for table in plan.tables])
    enough = replace(found, free_disk_bytes=plan.forecast.disk_bytes)
    short = replace(found, free_disk_bytes=plan.forecast.disk_bytes - 1)
    assert "disk" not in [hazard.code for hazard in planning._hazards(plan, enough)]
    (refusal,) = [h for h in planning._hazards(plan, short) if h.code == "disk"]
    assert refusal.severity == "refusal"
    assert "MiB" in refusal.message


@pytest.mark.parametrize("schema", ["shop__uuid7", "shop__uuid4", "uuidmig", "uuidmig_keys"])
def test_schemas_of_somebody_else(shop: Shop, schema: str) -> None:
    name = sql.Identifier(schema)
    shop.connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    shop.connection.execute(sql.SQL("CREATE TABLE {}.precious (a int)").format(name))
    with nothing_changes(shop), pytest.raises(PreflightRefused, match=schema):
        migrate(shop.dsn)


def test_other_options_do_not_resume(shop: Shop) -> None:
    run_into(shop.dsn, "copying:2", "migrate", "--yes")
    with nothing_changes(shop), pytest.raises(PlanMismatch, match="other options"):
        migrate(shop.dsn, PlanOptions(tables=("shop.tags",)))
    ended = migrate_by_command(shop.dsn, "--non-v4", "convert")
    assert ended.code == 3
    assert migrate(shop.dsn).state == "validated"


def test_journal_of_another_version(shop: Shop) -> None:
    dump = schema_dump(shop.database)
    migrate(shop.dsn, run_options=MANUAL)
    shop.connection.execute("UPDATE uuidmig.run SET tool_version = '0.0.1'")
    with nothing_changes(shop):
        ended = migrate_by_command(shop.dsn)
        for function in (migrate, verify, cutover, rollback, finish):
            with pytest.raises(PlanMismatch, match=r"0\.0\.1"):
                function(shop.dsn)
    assert ended.code == 3
    assert "0.0.1" in ended.output
    abort(shop.dsn)
    assert schema_dump(shop.database) == dump


def test_schema_drift_stops_the_cutover(shop: Shop) -> None:
    migrate(shop.dsn, run_options=MANUAL)
    shop.connection.execute("ALTER TABLE shop.orders ADD COLUMN channel text")
    with nothing_changes(shop), pytest.raises(SchemaDrift, match="changed since prepare"):
        cutover(shop.dsn)
    ended = run(shop.dsn, "cutover", "--yes")
    assert ended.code == 3
    assert "uuidmig abort" in ended.output
    abort(shop.dsn)
    assert shop.schemas() == set()
    assert migrate(shop.dsn).state == "validated"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE shop.orders ADD COLUMN channel text",
        "ALTER TABLE shop.orders DROP COLUMN note",
        "ALTER TABLE shop.orders RENAME COLUMN note TO remark",
        "ALTER TABLE shop.orders RENAME TO purchases",
        "ALTER TABLE shop.customers ALTER name TYPE varchar(10000)",
    ],
)
def test_schema_changed_during_the_copy(shop: Shop, change: LiteralString) -> None:
    seen: list[Event] = []

    class Changer:
        def notify(self, event: Event) -> None:
            if isinstance(event, TableProgress) and event.table == "shop.customers":
                seen.append(event)
                if len(seen) == 1:
                    with shop.database.connect(autocommit=True) as connection:
                        connection.execute(change)

    with pytest.raises(SchemaDrift, match="changed since prepare"):
        migrate(shop.dsn, run_options=RunOptions(batch=100, workers=1), observer=Changer())
    assert seen
    abort(shop.dsn)
    assert shop.schemas() == set()
    assert "uuidmig" not in schema_dump(shop.database)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE shop__uuid7.orders SET note = 'tampered' WHERE number % 90 = 0",
        "DELETE FROM shop__uuid7.tags WHERE name = (SELECT min(name) FROM shop__uuid7.tags)",
        "UPDATE shop__uuid7.order_items SET order_id = gen_random_uuid() WHERE quantity = 1",
    ],
)
def test_a_difference_stops_the_run_for_good(shop: Shop, tamper: LiteralString) -> None:
    dump = schema_dump(shop.database)
    run_into(shop.dsn, "catch-up", "migrate", "--yes")
    assert shop.connection.execute(tamper).rowcount > 0
    with pytest.raises(VerificationFailed, match="shop"):
        migrate(shop.dsn)
    assert status(shop.dsn).state == "verify_failed"
    assert status(shop.dsn).next_commands == ("uuidmig abort",)
    ended = migrate_by_command(shop.dsn)
    assert ended.code == 3
    assert "verify_failed" in ended.output
    refused: tuple[Callable[[str], object], ...] = (cutover, verify)
    for function in refused:
        with pytest.raises(WrongState):
            function(shop.dsn)
    assert shop.state() == "verify_failed"
    abort(shop.dsn)
    assert schema_dump(shop.database) == dump
    assert shop.versions() == {4}


def test_a_difference_by_command_is_5(shop: Shop) -> None:
    run_into(shop.dsn, "catch-up", "migrate", "--yes")
    shop.connection.execute("DELETE FROM shop__uuid7.order_tags")
    ended = migrate_by_command(shop.dsn)
    assert ended.code == 5
    assert "shop.order_tags" in ended.output


def test_two_keys_that_map_to_one(shop: Shop) -> None:
    dump = schema_dump(shop.database)
    shop.connection.execute(
        "INSERT INTO shop.tags (id, name, created_at) VALUES"
        " ('11111111-1111-4111-8111-111111111111', 'one', '2024-01-01'),"
        " ('22222222-2222-4222-8111-111111111111', 'two', '2024-01-01')"
    )
    ended = migrate_by_command(shop.dsn)
    assert ended.code == 5
    assert "shop__uuid7.tags" in ended.output
    assert "last 8 bytes" in ended.output
    with pytest.raises(MappingCollision):
        migrate(shop.dsn)
    abort(shop.dsn)
    assert schema_dump(shop.database) == dump


def test_two_keys_that_map_to_one_inserted_after_the_indexes(shop: Shop) -> None:
    """The replay meets the unique index then."""
    dump = schema_dump(shop.database)
    run_into(shop.dsn, "build", "migrate", "--yes")
    shop.connection.execute(
        "INSERT INTO shop.tags (id, name, created_at) VALUES"
        " ('11111111-1111-4111-8111-111111111111', 'one', '2024-01-01'),"
        " ('22222222-2222-4222-8111-111111111111', 'two', '2024-01-01')"
    )
    ended = migrate_by_command(shop.dsn)
    assert ended.code == 5, ended
    assert "last 8 bytes" in ended.output
    abort(shop.dsn)
    assert schema_dump(shop.database) == dump


@pytest.mark.slow
def test_a_standby_is_refused(shop: Shop) -> None:
    with standby_of(shop.database) as dsn:
        ended = migrate_by_command(dsn)
    assert ended.code == 3
    assert "standby" in ended.output or "replica" in ended.output


@contextmanager
def standby_of(database: TestDatabase) -> Iterator[str]:
    """Yield the connection string of the same database on a hot standby."""
    primary = database.server.embedded
    if primary is None:
        pytest.skip("needs a server that the test run started itself")
    home = Path(mkdtemp(prefix="uuidmig-standby-", dir=primary.home))
    if primary.account.run_as:
        os.chown(home, primary.account.uid, primary.account.gid)
    subprocess.run(
        [
            *(primary.bin / "pg_basebackup", "-D", home / "data", "-d", primary.dsn()),
            *("-R", "-c", "fast", "-X", "stream", "--no-sync"),
        ],
        check=True,
        cwd="/",
        env=clean_environment(),
        **primary.account.run_as,
    )
    with embedded_server(directory=home / "data", bin=primary.bin, settings=SETTINGS) as standby:
        dsn = standby.dsn(database.name, user=OWNER)
        wait_until(lambda: _answers(dsn), "a standby that answers")
        yield dsn


def _answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn):
            return True
    except psycopg.OperationalError:
        return False


def test_every_error_names_its_exit_code() -> None:
    assert {error.exit_code for error in UuidmigError.__subclasses__()} <= {
        1,
        2,
        3,
        4,
        5,
        6,
        130,
        143,
    }
