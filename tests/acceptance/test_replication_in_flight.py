"""A subscriber that is in the middle of a transaction when its DBA empties the tables."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import pytest
from psycopg import sql

from tests.acceptance.commands import wait_until
from tests.replication import Pair, pair_of, subscriber_server
from tests.servers import OWNER, TestDatabase
from uuidmig import PlanOptions, make_plan
from uuidmig.steps import subscribers

SCHEMA: LiteralString = """
CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int UNIQUE);
CREATE TABLE others (n int PRIMARY KEY);
INSERT INTO orders (n) VALUES (1);
"""
# Of a table that is not copied anew: the worker waits here before it comes to the one that is.
WAITS: LiteralString = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN new; END';
CREATE TRIGGER wait BEFORE INSERT ON others FOR EACH ROW EXECUTE FUNCTION wait();
ALTER TABLE others ENABLE ALWAYS TRIGGER wait;
"""
IN_WAIT = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
STATE = "SELECT subenabled, subpublications FROM pg_subscription"


@pytest.fixture
def pair(database: TestDatabase) -> Iterator[Pair]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
    with database.connect_admin(autocommit=True) as admin:
        for name in ("sales", "rest"):
            table = sql.Identifier("orders" if name == "sales" else "others")
            publication = sql.Identifier(name)
            admin.execute(sql.SQL("CREATE PUBLICATION {} FOR TABLE {}").format(publication, table))
        owning = sql.Identifier(OWNER)
        admin.execute(sql.SQL("ALTER PUBLICATION sales OWNER TO {}").format(owning))
    with subscriber_server(database) as server, pair_of(database, server) as both:
        both.subscribe("sales", "rest")
        yield both


def test_what_it_still_applies_does_not_come_into_an_emptied_table(
    database: TestDatabase, pair: Pair
) -> None:
    """It would be copied once more: COPY fails on it for ever, or the table has it twice."""
    plan = make_plan(database.dsn, PlanOptions(accept_replication=True))
    pair.publisher.execute("INSERT INTO orders (n) VALUES (2)")
    pair.await_applied()
    pair.on_publisher(subscribers.prepare_publisher(plan))
    pair.await_applied()
    pair.subscriber.execute(WAITS)
    pair.subscriber.execute("SELECT pg_advisory_lock(7)")
    with pair.publisher.transaction():
        pair.publisher.execute("INSERT INTO others VALUES (1)")
        pair.publisher.execute("INSERT INTO orders (n) VALUES (3)")
    wait_until(lambda: pair.subscriber.execute(IN_WAIT).fetchone() == (1,), "a worker in wait")

    pair.on_subscriber(subscribers.detach(plan))
    before = pair.subscriber.execute(STATE).fetchone()
    with ThreadPoolExecutor(1) as pool:
        attaching = pool.submit(pair.on_subscriber, subscribers.attach(plan))
        wait_until(
            lambda: attaching.done() or pair.subscriber.execute(STATE).fetchone() != before,
            "the commands under way",
        )
        pair.subscriber.execute("SELECT pg_advisory_unlock(7)")
        attaching.result()
    pair.assert_equal()
    assert pair.subscriber.execute("SELECT n FROM orders ORDER BY n").fetchall() == [
        (1,),
        (2,),
        (3,),
    ]
    pair.publisher.execute("INSERT INTO orders (n) VALUES (4)")
    pair.assert_equal()
