"""A publication FOR ALL TABLES and a real subscriber: replaced for the time of the migration."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.commands import wait_until
from tests.replication import SLOT, Pair, pair_of, subscriber_server
from tests.servers import TestDatabase
from uuidmig import PlanOptions, finish, make_plan, migrate
from uuidmig.errors import PreflightRefused
from uuidmig.steps import subscribers
from uuidmig.steps.all_tables import StandIn, stand_ins

ACCEPTED = PlanOptions(accept_replication=True)
EVERYTHING = "Every 'table' of \"ours\""

TABLES: LiteralString = """
    CREATE TABLE items (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int NOT NULL);
    INSERT INTO items (n) SELECT generate_series(1, 10);
    CREATE SCHEMA "Other One" CREATE TABLE plain (n int PRIMARY KEY)
        CREATE TABLE events (id uuid DEFAULT gen_random_uuid(), kind int, PRIMARY KEY (id, kind))
            PARTITION BY LIST (kind);
    CREATE TABLE "Other One".events_1 PARTITION OF "Other One".events FOR VALUES IN (1, 2, 3);
    CREATE TABLE "Other One".events_rest PARTITION OF "Other One".events DEFAULT;
    INSERT INTO "Other One".events (kind) SELECT generate_series(1, 10);
    INSERT INTO "Other One".plain SELECT generate_series(1, 10)"""


@pytest.fixture
def pair(database: TestDatabase) -> Iterator[Pair]:
    with database.connect(autocommit=True) as owner:
        owner.execute(TABLES)
    with subscriber_server(database) as server, pair_of(database, server) as both:
        both.publisher.execute(
            'CREATE PUBLICATION "Every \'table\' of ""ours""" FOR ALL TABLES'
            " WITH (publish_via_partition_root = true)"
        )
        both.subscribe(EVERYTHING)
        yield both


@contextmanager
def writing(database: TestDatabase) -> Iterator[None]:
    """An application that adds rows, and changes and deletes some, while the block runs."""
    stop, errors = threading.Event(), list[psycopg.Error]()

    def work() -> None:
        with database.connect(autocommit=True) as connection:
            number = 1_000_000
            while not stop.wait(0.005):
                number += 1
                values = {"n": number}
                try:
                    connection.execute("INSERT INTO items (n) VALUES (%(n)s)", values)
                    connection.execute("UPDATE items SET n = -n WHERE n = %(n)s - 2", values)
                    connection.execute("DELETE FROM items WHERE n = 9 - %(n)s", values)
                    connection.execute(
                        'INSERT INTO "Other One".events (kind) VALUES (%(n)s %% 7)', values
                    )
                except psycopg.Error as error:
                    errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert errors == []


def drop_when_nobody_reads_it(pair: Pair, commands: Sequence[str], other: str) -> None:
    """As the commands say: not before the slot is active and its consumer reads the other one."""
    expected = f"{SLOT}|t|publication_names '\"{other}\"')"

    def nobody() -> bool:
        return pair.on_publisher(commands[:-1]).strip() == expected

    wait_until(nobody, "the subscription reads the other publication")
    pair.on_publisher(commands[-1:])


def replace_it(pair: Pair, stand_in: StandIn) -> None:
    pair.on_publisher(stand_in.create_instead())
    pair.await_applied()
    pair.on_subscriber(stand_in.use_instead())
    drop_when_nobody_reads_it(pair, stand_in.drop_everything(), "uuidmig_instead")


def take_it_back(pair: Pair, stand_in: StandIn) -> None:
    pair.on_publisher(stand_in.create_everything())
    pair.await_applied()
    pair.on_subscriber(stand_in.use_everything())
    name = EVERYTHING.replace('"', '""').replace("'", "''")
    drop_when_nobody_reads_it(pair, stand_in.drop_instead(), name)


def lose_a_row(pair: Pair, table: LiteralString) -> None:
    """Delete a row at the subscriber: a copy would bring it back."""
    pair.subscriber.execute(sql.SQL("DELETE FROM {} WHERE n = 1").format(sql.SQL(table)))


def lost(pair: Pair) -> list[tuple[str, int]]:
    """Return what the subscriber has less than the publisher, as table and n, when nobody writes.

    It has nothing that the publisher has not.
    """
    pair.await_copied()
    pair.await_applied()
    sent, received = pair.published(), pair.received()
    assert not [row for table in sent for row in received[table] - sent[table]]
    return [
        (table, int(str(row[-1])))
        for table in sorted(sent)
        for row in (sent[table] - received[table]).elements()
    ]


@pytest.mark.slow
def test_replaced_for_the_time_of_the_migration(pair: Pair) -> None:
    """By the commands of the plan, while an application writes."""
    dsn = pair.database.dsn
    before = make_plan(dsn, PlanOptions())
    (stand_in,) = stand_ins(before)
    with pytest.raises(PreflightRefused, match="Every 'table'"):
        migrate(dsn)

    lose_a_row(pair, "items")
    lose_a_row(pair, '"Other One".plain')
    with writing(pair.database):
        replace_it(pair, stand_in)
    assert lost(pair) == [("Other One.plain", 1), ("public.items", 1)], "copied or lost"

    plan = make_plan(dsn, ACCEPTED)
    printed = subscribers.subscriber_commands(before)
    for commands in (subscribers.detach(plan), subscribers.attach(plan)):
        assert "\n".join(commands) in "\n".join(printed), "the first plan says it all"
    with writing(pair.database):
        pair.on_publisher(subscribers.prepare_publisher(plan))
        pair.await_applied()
        pair.on_subscriber(subscribers.detach(plan))
        assert migrate(dsn, ACCEPTED).state == "validated"
        pair.on_subscriber(subscribers.attach(plan))
        pair.on_publisher(subscribers.release_publisher(plan))
    assert lost(pair) == []
    with writing(pair.database):
        finish(dsn)
    assert lost(pair) == []

    # A schema that came meanwhile is not sent by the stand-in; its table is copied in the end.
    new: LiteralString = "CREATE SCHEMA later CREATE TABLE things (n int PRIMARY KEY)"
    pair.publisher.execute(new)
    pair.publisher.execute("INSERT INTO later.things VALUES (1), (2)")
    pair.subscriber.execute(new)
    lose_a_row(pair, "items")
    with writing(pair.database):
        take_it_back(pair, stand_in)
    assert lost(pair) == [("public.items", 1)], "copied or lost"
    errors = "SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats"
    assert pair.subscriber.execute(errors).fetchone() == (0,)
    assert publications(pair) == [(EVERYTHING, True, True)]


def publications(pair: Pair) -> list[tuple[str, bool, bool]]:
    return pair.publisher.execute(
        "SELECT pubname, puballtables, pubviaroot FROM pg_publication"
    ).fetchall()
