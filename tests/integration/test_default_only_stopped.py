"""What stops or interrupts strategy default-only: refusals, kills, locks, changes of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.commands import run, run_into, wait_until
from tests.acceptance.shop import Events, Shop
from tests.integration.default_only import (
    DEFAULT_ONLY,
    MANUAL,
    MIGRATE,
    assert_only_defaults_differ,
)
from tests.integration.test_engine_locks import in_background, waiting_for_a_lock
from tests.integration.test_engine_refusals import role_of
from tests.schema_dump import schema_dump
from tests.servers import TestDatabase
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
)
from uuidmig.engine.coordinator import coordinate
from uuidmig.engine.progress import LockRetry
from uuidmig.errors import (
    AlreadyRunning,
    LockNotObtained,
    NothingToMigrate,
    PlanMismatch,
    SchemaDrift,
    WrongState,
)

IMPATIENT = RunOptions(lock_timeout_ms=100, lock_attempts=4)


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as connection:
        yield connection


def test_nothing_to_change_is_said_with_the_columns_made_elsewhere(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE orders (id uuid PRIMARY KEY)")
    connection.execute("INSERT INTO orders SELECT gen_random_uuid()")
    with pytest.raises(NothingToMigrate, match=r"public\.orders\.id"):
        migrate(database.dsn, DEFAULT_ONLY)
    for command in (MIGRATE, ("plan", "--strategy", "default-only")):
        ended = run(database.dsn, *command)
        assert (ended.code, "public.orders.id" in ended.output) == (3, True), ended.output
    connection.execute("CREATE TABLE parts (id uuid PRIMARY KEY DEFAULT gen_random_uuid())")
    migrate(database.dsn, PlanOptions(tables=("parts",), strategy="default-only"))
    finish(database.dsn)
    with pytest.raises(NothingToMigrate, match="already"):
        make_plan(database.dsn, PlanOptions(tables=("parts",), strategy="default-only"))


def test_only_what_it_needs_is_asked_for(shop: Shop) -> None:
    """No right on the rows, none to create in the schema: but to own the tables, and a journal."""
    with role_of(shop.database, "GRANT USAGE ON SCHEMA shop TO {}") as dsn:
        ended = run(dsn, *MIGRATE)
    assert ended.code == 3
    for text in ("lacks CREATE on database", "lacks OWNER on table shop.orders"):
        assert text in ended.output
    for text in ("TEMPORARY", "INSERT", "CREATE on schema"):
        assert text not in ended.output
    shop.connection.execute("REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM CURRENT_USER")
    ended = run(shop.dsn, *MIGRATE)
    assert (ended.code, "lacks UPDATE on table shop.orders" in ended.output) == (3, True)
    shop.connection.execute("GRANT TRUNCATE ON ALL TABLES IN SCHEMA shop TO CURRENT_USER")
    assert migrate(shop.dsn, DEFAULT_ONLY).state == "switched"


@pytest.mark.parametrize(
    ("place", "state"),
    {"prepare": "prepared", "before-cutover": "prepared", "cutover": "switched"}.items(),
)
def test_killed_run_goes_on_or_back(shop: Shop, place: str, state: str) -> None:
    picture, before = shop.picture(), schema_dump(shop.database)
    for way in (migrate, abort if state == "prepared" else rollback):
        run_into(shop.dsn, place, *MIGRATE)
        told = status(shop.dsn)
        assert (told.state, told.coordinator) == (state, None)
        assert told.next_commands
        way(shop.dsn)
        if way is migrate:
            assert shop.state() == "switched"
            rollback(shop.dsn)
        if shop.state() is not None:
            abort(shop.dsn)
        assert schema_dump(shop.database) == before
    assert shop.picture() == picture


@pytest.mark.parametrize(
    ("place", "state"), {"before-rollback": "switched", "rollback": "rolled_back"}.items()
)
def test_killed_rollback_goes_on(shop: Shop, place: str, state: str) -> None:
    before = schema_dump(shop.database)
    migrate(shop.dsn, DEFAULT_ONLY)
    run_into(shop.dsn, place, "rollback", "--yes")
    assert shop.state() == state
    assert rollback(shop.dsn).state == "rolled_back"
    run_into(shop.dsn, "abort", "abort", "--yes")
    assert schema_dump(shop.database) == before


def test_killed_finish_goes_on(shop: Shop) -> None:
    before = schema_dump(shop.database)
    count = len(make_plan(shop.dsn, DEFAULT_ONLY).switches)
    migrate(shop.dsn, DEFAULT_ONLY)
    run_into(shop.dsn, "before-finish", "finish", "--yes")
    assert shop.state() == "switched"
    run_into(shop.dsn, "finish", "finish", "--yes")
    assert_only_defaults_differ(shop.database, before, count)


LOCK = "LOCK TABLE shop.order_items IN ROW EXCLUSIVE MODE"


@pytest.mark.parametrize("step", ["cutover", "undo cutover"])
def test_locks_of_others_are_waited_for_in_short_tries(shop: Shop, step: str) -> None:
    migrate(shop.dsn, DEFAULT_ONLY, MANUAL)
    if step == "undo cutover":
        cutover(shop.dsn)
    events, dump, state = Events(), schema_dump(shop.database), shop.state()

    def go(options: RunOptions) -> object:
        return (cutover if step == "cutover" else rollback)(shop.dsn, events, options)

    with shop.database.connect(application_name="nightly report") as holder:
        holder.execute(LOCK)
        with pytest.raises(LockNotObtained, match="nightly report") as caught:
            go(IMPATIENT)
        assert caught.value.exit_code == 4
        assert {retry.step for retry in events.of(LockRetry)} == {step}
        assert (schema_dump(shop.database), shop.state()) == (dump, state)
        with in_background(lambda: go(RunOptions())) as running:
            wait_until(
                lambda: (
                    (pid := waiting_for_a_lock(shop, f"uuidmig:{step}")) is not None
                    and shop.one("SELECT pg_terminate_backend(%s)", pid)
                ),
                "a session in wait, and its end",
            )
            with pytest.raises(psycopg.OperationalError, match="terminating connection"):
                running.result()
        assert (schema_dump(shop.database), shop.state()) == (dump, state)
        with in_background(lambda: go(RunOptions(lock_timeout_ms=100))) as running:
            seen = len(events.of(LockRetry))
            wait_until(lambda: len(events.of(LockRetry)) >= seen + 2, "two tries")
            holder.commit()
            running.result()
    assert shop.state() == ("switched" if step == "cutover" else "rolled_back")


def test_one_coordinator_a_database(shop: Shop) -> None:
    with coordinate(shop.dsn), pytest.raises(AlreadyRunning):
        migrate(shop.dsn, DEFAULT_ONLY)
    migrate(shop.dsn, DEFAULT_ONLY)
    with coordinate(shop.dsn):
        for command in (rollback, finish):
            with pytest.raises(AlreadyRunning):
                command(shop.dsn)
    assert shop.state() == "switched"


def test_a_rewrite_under_way_is_no_default_only_run(shop: Shop) -> None:
    migrate(shop.dsn, None, MANUAL)
    with pytest.raises(PlanMismatch):
        migrate(shop.dsn, DEFAULT_ONLY)
    abort(shop.dsn)
    migrate(shop.dsn, DEFAULT_ONLY, MANUAL)
    with pytest.raises(WrongState):
        rollback(shop.dsn)
    with pytest.raises(PlanMismatch):
        migrate(shop.dsn, PlanOptions(tables=("shop.orders",)))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE shop.orders ALTER COLUMN id DROP DEFAULT",
        "ALTER TABLE shop.orders RENAME COLUMN id TO key",
        "ALTER TABLE shop.orders RENAME TO sales",
        "DROP TABLE shop.orders CASCADE",
    ],
)
def test_keys_that_change_before_the_switch_stop_it(shop: Shop, change: LiteralString) -> None:
    migrate(shop.dsn, DEFAULT_ONLY, MANUAL)
    shop.connection.execute(change)
    before = schema_dump(shop.database, "--schema=shop")
    with pytest.raises(SchemaDrift, match=r"shop\.orders\.id"):
        cutover(shop.dsn)
    assert (shop.state(), schema_dump(shop.database, "--schema=shop")) == ("prepared", before)
    abort(shop.dsn)
    assert shop.schemas() == set()


def test_a_rollback_leaves_alone_what_somebody_else_changed(shop: Shop) -> None:
    migrate(shop.dsn, DEFAULT_ONLY)
    change: LiteralString = "ALTER TABLE shop.orders ALTER COLUMN id SET DEFAULT {}"
    shop.connection.execute(sql.SQL(change).format("00000000-0000-4000-8000-000000000000"))
    before = schema_dump(shop.database)
    with pytest.raises(SchemaDrift, match=r"shop\.orders\.id: it is '00000000-"):
        rollback(shop.dsn)
    assert (shop.state(), schema_dump(shop.database)) == ("switched", before)
    shop.connection.execute(sql.SQL(change).format(sql.SQL("gen_random_uuid()")))
    shop.connection.execute("ALTER TABLE shop.customers RENAME COLUMN id TO key")
    shop.connection.execute("ALTER TABLE shop.tags RENAME TO labels")
    shop.connection.execute("DROP TABLE shop.audit_log CASCADE")
    assert rollback(shop.dsn).state == "rolled_back"
    assert "uuidv7()" not in schema_dump(shop.database, "--schema=shop")
    abort(shop.dsn)
    assert shop.schemas() == set()
