"""The demo's writers: what they believe is what the database holds, and they notice when not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from tests.servers import TestDatabase
from uuidmig.demo.data import load_shop
from uuidmig.demo.desk import Desk
from uuidmig.demo.inserts import place_order
from uuidmig.demo.model import Change
from uuidmig.demo.operations import OPERATIONS
from uuidmig.demo.schema import create_shop
from uuidmig.demo.session import Latency
from uuidmig.demo.writers import WriterError, WriterReport, Writers, _Writer


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as connection:
        create_shop(connection)
        load_shop(connection, orders=50)
        yield connection


def one_writer(database: TestDatabase, connection: psycopg.Connection) -> _Writer:
    tags: dict[str, UUID] = dict(connection.execute("SELECT name, id FROM shop.tags").fetchall())
    return _Writer(database.dsn, 1, "t-", 0.0, tags)


def commit(writer: _Writer, changes: list[Change]) -> list[Change]:
    writer.session.commit()
    writer.model.apply(changes)
    return changes


def work_until_busy(writer: _Writer) -> None:
    """Enough transactions that there are rows of all kinds."""
    for _ in range(60):
        assert writer.work(), writer.errors


def test_writers_leave_what_their_model_says(
    database: TestDatabase, shop: psycopg.Connection
) -> None:
    writers = Writers(database.dsn, 4, rate=None, seed=7)
    writers.start()
    time.sleep(3)
    report = writers.stop()
    assert report.errors == ()
    assert report.transactions > 100
    assert writers.verify(shop) == []
    rekeyed = shop.execute("SELECT count(*) FROM shop.orders WHERE reference ^@ 'w7-'").fetchone()
    assert rekeyed is not None
    assert rekeyed[0] > 10


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        ("UPDATE shop.orders SET note = 'tampered' WHERE reference = {}", "note is 'tampered'"),
        (
            "UPDATE shop.orders SET customer_id = (SELECT id FROM shop.customers"
            " WHERE number = 1) WHERE reference = {}",
            "customer is 'customer-1@shop.example'",
        ),
        (
            "WITH p AS (DELETE FROM shop.payments USING shop.orders AS o"
            " WHERE o.id = order_id AND o.reference = {})"
            " UPDATE shop.orders SET reference = reference || 'x' WHERE reference = {}",
            "missing",
        ),
        (
            "INSERT INTO shop.orders (reference, customer_id)"
            " SELECT {} || '-copy', customer_id FROM shop.orders LIMIT 1",
            "should not exist",
        ),
    ],
)
def test_verify_reports_a_tampered_row(
    database: TestDatabase, shop: psycopg.Connection, tamper: LiteralString, expected: str
) -> None:
    writers = Writers(database.dsn, 1, rate=None)
    writer = writers._writers[0]
    writer.desk.tags.update(shop.execute("SELECT name, id FROM shop.tags").fetchall())
    order = next(c for c in commit(writer, place_order(writer.desk)) if c.table == "orders")
    writer.session.close()
    assert writers.verify(shop) == []
    label = psycopg.sql.Literal(order.label)
    count = tamper.count("{}")
    shop.execute(psycopg.sql.SQL(tamper).format(*[label] * count))
    assert any(expected in line for line in writers.verify(shop))


@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_every_operation_does_what_it_says(
    database: TestDatabase, shop: psycopg.Connection, number: int
) -> None:
    writers = Writers(database.dsn, 1, rate=None)
    writer = writers._writers[0]
    writer.desk.tags.update(shop.execute("SELECT name, id FROM shop.tags").fetchall())
    work_until_busy(writer)
    _, table, operation = OPERATIONS[number]
    for label in list(writer.model.rows[table])[:5]:
        if label in writer.model.rows[table]:
            commit(writer, operation(writer.desk, label))
    writer.session.close()
    assert writers.verify(shop) == []


def test_remembered_keys_are_those_of_the_rows(
    database: TestDatabase, shop: psycopg.Connection
) -> None:
    writer = one_writer(database, shop)
    work_until_busy(writer)
    writer.session.close()
    actual: dict[str, UUID] = dict(shop.execute("SELECT reference, id FROM shop.orders").fetchall())
    remembered = {
        label: key for (table, label), key in writer.model.keys.items() if table == "orders"
    }
    assert remembered
    assert remembered == {label: actual[label] for label in remembered}


def test_two_runs_of_one_seed_choose_the_same(
    database: TestDatabase, shop: psycopg.Connection
) -> None:
    labels = []
    for _ in range(2):
        writer = one_writer(database, shop)
        work_until_busy(writer)
        writer.session.close()
        labels.append({table: list(rows) for table, rows in writer.model.rows.items()})
        shop.execute("TRUNCATE shop.customers CASCADE")
    assert labels[0] == labels[1]


def test_an_error_is_on_record_and_leaves_the_model_alone(
    database: TestDatabase, shop: psycopg.Connection
) -> None:
    writer = one_writer(database, shop)
    shop.execute("ALTER TABLE shop.order_items ADD CONSTRAINT nothing CHECK (false) NOT VALID")
    assert not writer.work()
    assert [error.sqlstate for error in writer.errors] == ["23514"]
    assert not any(writer.model.rows.values())
    shop.execute("ALTER TABLE shop.order_items DROP CONSTRAINT nothing")
    assert writer.work()
    writer.session.close()


@pytest.mark.parametrize("committed", [True, False])
def test_a_commit_without_an_answer_is_settled_by_reading(
    database: TestDatabase, shop: psycopg.Connection, committed: bool
) -> None:
    writers = Writers(database.dsn, 1, rate=None)
    writer = writers._writers[0]
    writer.desk.tags.update(shop.execute("SELECT name, id FROM shop.tags").fetchall())
    writer.unsettled = place_order(writer.desk)
    if committed:
        writer.session.commit()
    writer.session.close()
    assert writers.verify(shop) == []
    assert bool(writer.model.rows["orders"]) is committed
    assert not writer.unsettled


def test_a_writer_survives_the_loss_of_its_connection(
    database: TestDatabase, shop: psycopg.Connection
) -> None:
    writers = Writers(database.dsn, 2, rate=None)
    writers.start()
    time.sleep(0.3)
    killed = shop.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'shop' AND datname = current_database()"
    ).rowcount
    before = writers.report().transactions
    time.sleep(1)
    report = writers.stop()
    assert killed == 2
    assert len(report.errors) == 2
    assert report.transactions > before
    assert writers.verify(shop) == []


def test_writers_go_on_after_a_pause(database: TestDatabase, shop: psycopg.Connection) -> None:
    writers = Writers(database.dsn, 2, rate=None)
    for _ in range(2):
        writers.start()
        time.sleep(0.3)
        report = writers.stop()
    assert report.errors == ()
    assert writers.verify(shop) == []


def test_rate_is_kept(database: TestDatabase, shop: psycopg.Connection) -> None:
    writers = Writers(database.dsn, 2, rate=20)
    writers.start()
    time.sleep(2)
    assert 20 <= writers.stop().transactions <= 45


def test_a_lock_shows_as_the_longest_stall(
    database: TestDatabase, shop: psycopg.Connection
) -> None:
    writers = Writers(database.dsn, 2, rate=None)
    writers.start()
    time.sleep(0.2)
    with shop.transaction():
        shop.execute("LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE")
        start = time.time()
        time.sleep(0.5)
        end = time.time()
    time.sleep(0.2)
    report = writers.stop()
    stall = report.during(start, end).longest_stall_ms
    assert stall is not None
    assert stall > 400
    assert report.longest_stall_ms == stall


def test_report_of_a_span_has_what_overlaps_it() -> None:
    latencies = tuple(Latency(float(second), 0.5) for second in range(10))
    errors = (WriterError(2.0, 1, "40001", "x"), WriterError(8.0, 1, None, "y"))
    report = WriterReport((1.0, 3.0, 9.0), errors, latencies)
    span = report.during(2.4, 5.0)
    assert [latency.started for latency in span.latencies] == [2.0, 3.0, 4.0, 5.0]
    assert (span.transactions, span.errors) == (1, ())
    assert report.transactions == 3


def test_percentiles_are_in_milliseconds() -> None:
    report = WriterReport((), (), tuple(Latency(0.0, n / 1000) for n in range(1, 101)))
    assert report.p50 == pytest.approx(51)
    assert report.p99 == pytest.approx(100)
    assert report.longest_stall_ms == pytest.approx(100)
    assert WriterReport((), (), ()).p99 is None


def test_threads_end_with_stop(database: TestDatabase, shop: psycopg.Connection) -> None:
    writers = Writers(database.dsn, 3, rate=None)
    writers.start()
    writers.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("writer-")]


def test_desk_labels_are_never_used_twice(database: TestDatabase) -> None:
    desk: Desk = _Writer(database.dsn, 1, "t-", 0.0, {}).desk
    assert [desk.new_label() for _ in range(2)] == ["t-1-000001", "t-1-000002"]
