"""The whole way, there and back and there again, while an application works on the shop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import pytest

from tests.acceptance.commands import wait_until
from tests.acceptance.shop import Events, Shop, open_shop
from tests.schema_dump import finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, finish, make_plan, migrate, rollback
from uuidmig.demo.writers import Writers
from uuidmig.engine.progress import Event, Note, Stall, TableProgress

OPTIONS = RunOptions(batch=1000, workers=2)


@contextmanager
def working(writers: Writers) -> Iterator[None]:
    """The application at work; it did some work before, and goes on working afterwards."""
    writers.start()
    try:
        await_work(writers)
        yield
        await_work(writers)
    finally:
        writers.stop()


def await_work(writers: Writers, transactions: int = 60) -> None:
    enough = writers.report().transactions + transactions
    wait_until(lambda: writers.report().transactions >= enough, "writers at work")


def assert_unharmed(shop: Shop, writers: Writers) -> None:
    assert [f"{e.sqlstate}: {e.message}" for e in writers.report().errors] == []
    assert writers.verify(shop.connection) == []


def untouched(shop: Shop) -> object:
    """The rows the writers never touch: they have rows of their own."""
    return {
        table: {label: row for label, row in rows.items() if not label.startswith("w1-")}
        for table, rows in shop.picture().items()
    }


@pytest.mark.slow
def test_there_and_back_and_there_again_under_load(database: TestDatabase) -> None:
    with open_shop(database, orders=20_000) as shop:
        dump, plan = schema_dump(database), make_plan(shop.dsn, PlanOptions())
        before, keys = untouched(shop), shop.keys()
        writers = Writers(shop.dsn, 8, rate=200.0)

        with working(writers):
            report = migrate(shop.dsn, run_options=OPTIONS)
        assert report.state == "validated"
        assert_unharmed(shop, writers)
        assert untouched(shop) == before
        assert shop.versions() == {7}
        shop.assert_mapped(keys)
        assert [step for step, _ in report.stalls] == ["prepare", "verify", "cutover"]
        assert shop.one("SELECT count(*) FROM uuidmig.chunk") > 50

        with working(writers):
            assert rollback(shop.dsn).state == "rolled_back"
        assert_unharmed(shop, writers)
        assert untouched(shop) == before
        now = shop.keys()
        assert {place: now[place] for place in keys} == keys

        with working(writers):
            assert migrate(shop.dsn, run_options=OPTIONS).state == "validated"
        assert_unharmed(shop, writers)
        assert shop.versions() == {7}
        shop.assert_mapped(keys)

        finish(shop.dsn)
        assert finished_dump(database) == with_new_defaults(dump, plan)
        assert untouched(shop) == before


@pytest.mark.slow
def test_abort_under_load(database: TestDatabase) -> None:
    with open_shop(database, orders=2_000) as shop:
        dump, writers = schema_dump(database), Writers(shop.dsn, 4, rate=150.0)
        with working(writers):
            migrate(shop.dsn, run_options=RunOptions(cutover="manual"))
            abort(shop.dsn)
        assert_unharmed(shop, writers)
        assert schema_dump(database) == dump


# What people and autovacuum do to tables, each when a batch of the named table was copied.
DISTURBANCES: dict[str, tuple[LiteralString, ...]] = {
    "shop.customers": ("CLUSTER shop.customers",),
    "shop.orders": ("VACUUM FULL shop.orders", "REINDEX TABLE shop.orders"),
    "shop.audit_log": ("TRUNCATE shop.audit_log",),
    "shop.order_items": ("ANALYZE shop.order_items", "VACUUM shop.order_items"),
}


@pytest.mark.slow
def test_tables_rewritten_and_emptied_under_the_copy(database: TestDatabase) -> None:
    with open_shop(database, orders=4_000) as shop:
        shop.connection.execute("ALTER TABLE shop.customers CLUSTER ON customers_pkey")
        waiting = {table: list(commands) for table, commands in DISTURBANCES.items()}
        turn = threading.Lock()  # workers are told about their batches side by side

        def disturb(event: Event) -> None:
            if isinstance(event, TableProgress):
                with turn:
                    command = next(iter(waiting.get(event.table, ())), None)
                    waiting[event.table] = waiting.get(event.table, [])[1:]
                if command is not None:
                    with database.connect(autocommit=True) as connection:
                        connection.execute(command)

        writers, events = Writers(shop.dsn, 4, rate=100.0), Events(disturb)
        with working(writers):
            migrate(shop.dsn, run_options=RunOptions(batch=500), observer=events)
        assert not any(waiting.values())
        again = [n.text for n in events.of(Note) if "copying it again" in n.text]
        assert {text.partition(" ")[0] for text in again} >= {
            "shop.orders",
            "shop.audit_log",
        }
        assert not writers.report().errors
        emptied = [line for line in writers.verify(shop.connection) if is_emptied(line)]
        assert writers.verify(shop.connection) == emptied
        assert not shop.one("SELECT count(*) FROM shop.audit_log WHERE message ^@ 'order SO-'")
        assert shop.one("SELECT count(*) FROM shop.audit_log")
        assert shop.versions() == {7}


def is_emptied(line: str) -> bool:
    return line.startswith("audit_log ") and line.endswith(": missing")


@pytest.mark.slow
def test_a_table_emptied_under_the_comparison_is_no_difference(shop: Shop) -> None:
    """TRUNCATE is not for snapshots: the comparison sees the rows vanish, and starts again."""
    events = Events()

    def truncate(event: Event) -> None:
        if isinstance(event, Stall) and event.step == "verify" and len(events.of(Stall)) == 1:
            with shop.database.connect(autocommit=True) as connection:
                connection.execute("TRUNCATE shop.audit_log")

    events.listener = truncate
    assert migrate(shop.dsn, observer=events).state == "validated"
    assert len([stall for stall in events.of(Stall) if stall.step == "verify"]) == 2
    assert shop.one("SELECT count(*) FROM shop.audit_log") == 0
