"""Locks that others hold: short waits, bounded tries, nobody ended, and who is in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.acceptance.commands import run_into, wait_until
from tests.acceptance.shop import Events, Shop
from tests.cli_runner import Run, commands_on
from tests.schema_dump import schema_dump
from uuidmig import (
    MigrationReport,
    RunOptions,
    cutover,
    migrate,
    pause,
    resume,
    rollback,
    status,
)
from uuidmig.engine import locks
from uuidmig.engine.progress import LockRetry, Note, StepStarted, TableProgress, Waiting
from uuidmig.errors import LockNotObtained

BUDGET_MS = 150
OPTIONS = RunOptions(lock_timeout_ms=BUDGET_MS)
IMPATIENT = RunOptions(lock_timeout_ms=BUDGET_MS, lock_attempts=3)
LOCK = "LOCK TABLE shop.order_items IN ROW EXCLUSIVE MODE"

Step = Callable[[str, RunOptions, Events], object]


def run_migrate(dsn: str, options: RunOptions, events: Events) -> MigrationReport:
    return migrate(dsn, run_options=options, observer=events)


def run_cutover(dsn: str, options: RunOptions, events: Events) -> MigrationReport:
    return cutover(dsn, events, options)


def run_rollback(dsn: str, options: RunOptions, events: Events) -> MigrationReport:
    return rollback(dsn, events, options)


def until_prepare(shop: Shop) -> None:
    """Nothing has to be there."""


def until_verify(shop: Shop) -> None:
    run_into(shop.dsn, "catch-up", "migrate", "--yes")


def until_cutover(shop: Shop) -> None:
    migrate(shop.dsn, run_options=RunOptions(cutover="manual"))


def until_rollback(shop: Shop) -> None:
    migrate(shop.dsn)


STEPS = pytest.mark.parametrize(
    ("step", "before", "function"),
    [
        ("prepare", until_prepare, run_migrate),
        ("verify", until_verify, run_migrate),
        ("cutover", until_cutover, run_cutover),
        ("undo cutover", until_rollback, run_rollback),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)


@contextmanager
def in_background[T](function: Callable[[], T]) -> Iterator[Future[T]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function)


@STEPS
def test_a_lock_is_tried_for_until_its_holder_ends(
    shop: Shop, step: str, before: Callable[[Shop], None], function: Step
) -> None:
    before(shop)
    picture, events = shop.picture(), Events()
    with shop.database.connect() as holder, an_application(shop) as waits:
        holder.execute(LOCK)
        pid = holder.info.backend_pid
        with in_background(lambda: function(shop.dsn, OPTIONS, events)) as running:
            wait_until(lambda: len(events.of(LockRetry)) >= 3 or running.done(), "three tries")
            assert not running.done(), running.result()
            holder.commit()
            running.result()
    for retry in events.of(LockRetry):
        assert retry.step == step
    assert any(blocker.pid == pid for retry in events.of(LockRetry) for blocker in retry.blockers)
    assert len(waits) > 3
    assert max(waits) < BUDGET_MS / 1000 + 0.6  # what the statement itself takes on a busy machine
    assert shop.picture() == picture


@contextmanager
def an_application(shop: Shop) -> Iterator[list[float]]:
    """Write to a table that is locked before the one in dispute; yield how long it took."""
    waits: list[float] = []
    stop = threading.Event()

    def work() -> None:
        with shop.database.connect(autocommit=True) as connection:
            while not stop.is_set():
                started = time.monotonic()
                connection.execute("UPDATE shop.orders SET note = note WHERE number = 100003")
                waits.append(time.monotonic() - started)
                stop.wait(0.005)

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        try:
            yield waits
        finally:
            stop.set()
            worker.result()


@STEPS
def test_a_lock_that_never_comes_ends_the_command(
    shop: Shop, step: str, before: Callable[[Shop], None], function: Step
) -> None:
    before(shop)
    dump, state = schema_dump(shop.database, "--schema=shop"), shop.state()
    with shop.database.connect(application_name="nightly report") as holder:
        holder.execute(LOCK)
        with pytest.raises(LockNotObtained, match="nightly report") as caught:
            function(shop.dsn, IMPATIENT, Events())
        assert f"pid {holder.info.backend_pid}" in str(caught.value)
        assert caught.value.exit_code == 4
        assert shop.state() == state
    assert schema_dump(shop.database, "--schema=shop") == dump
    function(shop.dsn, OPTIONS, Events())


def waiting_for_a_lock(shop: Shop, application: str) -> int | None:
    """Return the pid of the session of that name when it waits for a lock."""
    row = shop.connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        " AND wait_event_type = 'Lock' AND datname = current_database()",
        [application],
    ).fetchone()
    return None if row is None else int(row[0])


@pytest.mark.parametrize("number", range(3))
def test_the_application_is_never_the_deadlock_victim(shop: Shop, number: int) -> None:
    """Children before parents is the other way round than ours; we give way in time."""
    until_cutover(shop)
    with shop.database.connect() as application:
        application.execute("UPDATE shop.order_items SET quantity = quantity")
        with in_background(lambda: cutover(shop.dsn)) as running:
            wait_until(lambda: waiting_for_a_lock(shop, "uuidmig:cutover"), "a cutover in wait")
            application.execute("UPDATE shop.orders SET note = 'mine' WHERE number = 100004")
            application.commit()
            running.result()
    assert shop.one("SELECT note FROM shop.orders WHERE number = 100004") == "mine"
    assert shop.state() == "validated"


@STEPS
def test_a_session_ended_in_its_transaction_leaves_nothing(
    shop: Shop, step: str, before: Callable[[Shop], None], function: Step
) -> None:
    before(shop)
    dump, picture = schema_dump(shop.database, "--schema=shop"), shop.picture()
    state = shop.state()
    application = "uuidmig:lock" if step == "verify" else f"uuidmig:{step}"
    with shop.database.connect() as holder:
        holder.execute(LOCK)
        with in_background(lambda: function(shop.dsn, RunOptions(), Events())) as running:
            wait_until(lambda: waiting_for_a_lock(shop, application), "a session in wait")
            shop.one("SELECT pg_terminate_backend(%s)", waiting_for_a_lock(shop, application))
            with pytest.raises(psycopg.OperationalError, match="terminating connection"):
                running.result()
        holder.rollback()
    assert schema_dump(shop.database, "--schema=shop") == dump
    assert shop.state() == state
    function(shop.dsn, RunOptions(), Events())
    assert shop.picture() == picture


def test_pause_and_resume(shop: Shop) -> None:
    events = Events()

    def pause_once(event: object) -> None:
        if isinstance(event, TableProgress) and len(events.of(TableProgress)) == 1:
            pause(shop.dsn, "nightly report")

    events.listener = pause_once
    picture, options = shop.picture(), RunOptions(batch=50)
    with in_background(lambda: migrate(shop.dsn, None, options, events)) as running:
        try:
            wait_until(lambda: len(events.of(Waiting)) >= 4, "both workers at rest")
            assert events.of(Waiting)[0].reason == "nightly report"
            told = status(shop.dsn)
            assert (told.state, told.paused, told.pause_reason) == (
                "copying",
                True,
                "nightly report",
            )
            done = len(events.of(TableProgress))
            wait_until(lambda: len(events.of(Waiting)) >= 6, "rest")
            assert len(events.of(TableProgress)) == done
        finally:
            resume(shop.dsn)
        assert running.result().state == "validated"
    assert shop.picture() == picture
    shop.assert_copied_once()


@pytest.fixture
def run(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(locks, "READ_TIMEOUT_MS", BUDGET_MS)
    return commands_on(shop.dsn, tmp_path, monkeypatch)


@pytest.mark.parametrize("mode", ["held", "asked for"])
def test_a_plan_does_not_wait_for_a_table_in_silence(shop: Shop, run: Run, mode: str) -> None:
    exclusive = "LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE"
    with (
        ThreadPoolExecutor() as pool,
        psycopg.connect(shop.dsn, application_name="alter job") as holder,
        psycopg.connect(shop.dsn, application_name="new table") as innocent,
        psycopg.connect(shop.dsn) as reader,  # ends first, whatever happens: others wait for it
    ):
        innocent.execute("CREATE TABLE made_just_now ()")
        if mode == "asked for":
            reader.execute("SELECT FROM shop.orders")
        waiting = pool.submit(holder.execute, exclusive)
        if mode == "held":
            waiting.result(timeout=30)
        else:
            shop.database.until_it_waits(holder)
        told = run("plan", code=4).stderr
        assert f"shop.orders: pid {holder.info.backend_pid} (alter job" in told
        assert "new table" not in told
        reader.rollback()
        waiting.result(timeout=30)
        holder.rollback()
        innocent.rollback()
    run("plan")


@pytest.mark.parametrize(
    ("command", "lock", "table"),
    [
        ("inspect", "LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE", "shop.orders"),
        ("inspect --table shop.orders", "REINDEX INDEX shop.orders_pkey", "shop.orders"),
        ("bench index", "LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE", "shop.orders"),
        ("bench index --table shop.orders", "REINDEX INDEX shop.orders_pkey", "shop.orders"),
        ("status", "LOCK TABLE uuidmig.run IN ACCESS EXCLUSIVE MODE", "uuidmig.run"),
        ("status", "LOCK TABLE uuidmig.event IN ACCESS EXCLUSIVE MODE", "uuidmig.event"),
        ("bench index", "LOCK TABLE uuidmig.run IN ACCESS EXCLUSIVE MODE", "uuidmig.run"),
    ],
)
def test_who_only_reads_does_not_wait_for_a_table_in_silence(
    shop: Shop, run: Run, command: str, lock: LiteralString, table: str
) -> None:
    if table.startswith("uuidmig."):
        run_into(shop.dsn, "prepare", "migrate", "--yes")
    with psycopg.connect(shop.dsn, application_name="alter job") as holder:
        holder.execute("SET statement_timeout = '60s'")
        holder.execute(lock)
        told = run(*command.split(), code=4).stderr
        assert told.startswith(f"error: {command.split(' --')[0]}: a table could not be read")
        assert f"in the way: {table}: pid {holder.info.backend_pid} (alter job, " in told
        assert told.count("alter job") == 1
        holder.rollback()
    run(*command.split())


def test_a_measurement_that_has_to_wait_after_the_cutover_harms_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(shop.dsn, run_options=RunOptions(measure=True, cutover="manual"))
    monkeypatch.setattr(locks, "READ_TIMEOUT_MS", BUDGET_MS)
    with psycopg.connect(shop.dsn, application_name="alter job") as holder:

        def lock(event: object) -> None:
            if isinstance(event, StepStarted) and event.step == "measure":
                holder.execute("LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE")

        events = Events(lock)
        assert cutover(shop.dsn, events).state == "validated"
    (warning,) = [note.text for note in events.of(Note) if note.level == "warning"]
    assert "no measurement after the cutover" in warning
    assert "alter job" in warning
    assert "bench index" in warning
