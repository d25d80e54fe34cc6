"""A publication FOR ALL TABLES that is there throughout, with a real subscriber."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import pytest

from tests.acceptance.commands import run, wait_until
from tests.acceptance.shop import Shop
from tests.acceptance.test_under_load import assert_unharmed, working
from tests.replication import Pair, pair_of, subscriber_server
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, finish, make_plan, migrate, rollback
from uuidmig.demo.writers import Writers
from uuidmig.steps import subscribers

ACCEPTED = PlanOptions(accept_replication=True)
QUICK = RunOptions(batch=1000)

IDENTITIES: LiteralString = """
    ALTER TABLE shop.payments REPLICA IDENTITY FULL;
    ALTER TABLE shop.tags REPLICA IDENTITY USING INDEX tags_name_key;"""
APPLY_ERRORS: LiteralString = "SELECT apply_error_count FROM pg_stat_subscription_stats"


@contextmanager
def everything_of(database: TestDatabase) -> Iterator[Pair]:
    with subscriber_server(database) as server, pair_of(database, server) as both:
        both.publisher.execute('CREATE PUBLICATION "All There Is" FOR ALL TABLES')
        both.subscribe("All There Is")
        yield both


@pytest.fixture
def pair(shop: Shop) -> Iterator[Pair]:
    shop.connection.execute(IDENTITIES)
    with everything_of(shop.database) as both:
        yield both


@contextmanager
def generated_columns_sent(pair: Pair) -> Iterator[None]:
    """What the plan asks for from 18 on: while a table is copied its identity is the whole row."""
    if pair.database.server.version < 18:
        yield
        return
    plan = make_plan(pair.database.dsn, ACCEPTED)
    refused = {(hazard.code, hazard.object) for hazard in plan.refusals}
    named = ("shop.orders", "shop.order_items")
    assert refused == {("unpublished-generated-column", name) for name in named}
    change = pair.publisher.execute
    change('ALTER PUBLICATION "All There Is" SET (publish_generated_columns = stored)')
    yield
    change('ALTER PUBLICATION "All There Is" SET (publish_generated_columns = none)')


@pytest.fixture
def items(database: TestDatabase) -> Iterator[Pair]:
    with database.connect(autocommit=True) as owner:
        owner.execute("""
            CREATE TABLE items (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int NOT NULL);
            INSERT INTO items (n) SELECT generate_series(1, 10)""")
    with everything_of(database) as both:
        yield both


@pytest.mark.slow
def test_there_and_back_and_there_for_good(shop: Shop, pair: Pair) -> None:
    """The subscriber stands still all the while: nothing of ours is ever sent to it."""
    dump, plan = schema_dump(shop.database), make_plan(shop.dsn, ACCEPTED)
    writers = Writers(shop.dsn, 3, rate=40.0)
    with working(writers):
        pair.on_publisher(subscribers.prepare_publisher(plan))
        pair.await_applied()
        pair.on_subscriber(subscribers.detach(plan))
    with generated_columns_sent(pair):
        with working(writers):
            assert migrate(shop.dsn, ACCEPTED, QUICK).state == "validated"
        assert_unharmed(shop, writers)
        with working(writers):
            rollback(shop.dsn)
        assert_unharmed(shop, writers)
        with working(writers):
            assert migrate(shop.dsn, ACCEPTED, QUICK).state == "validated"
        assert_unharmed(shop, writers)
        finish(shop.dsn)
    pair.on_subscriber(subscribers.attach(plan))
    pair.assert_equal()
    pair.publisher.execute("UPDATE shop.tags SET name = name || '!'")  # it goes on receiving
    pair.assert_equal()
    assert pair.subscriber.execute(APPLY_ERRORS).fetchone() == (0,)
    pair.on_publisher(subscribers.release_publisher(plan))
    assert_same(finished_dump(shop.database), with_new_defaults(dump, plan))


@pytest.mark.slow
def test_a_subscriber_that_did_not_let_go(items: Pair) -> None:
    """It stops at our first table, with nothing lost, and the same commands help later."""
    dsn = items.database.dsn
    plan, dump = make_plan(dsn, ACCEPTED), schema_dump(items.database)
    items.on_publisher(subscribers.prepare_publisher(plan))
    items.await_applied()
    migrate(dsn, ACCEPTED)
    items.publisher.execute("UPDATE items SET n = 0 WHERE n = 1")
    failed: LiteralString = "SELECT apply_error_count > 0 FROM pg_stat_subscription_stats"
    wait_until(lambda: items.subscriber.execute(failed).fetchone() == (True,), "it fails")
    items.on_subscriber(subscribers.detach(plan))
    items.await_applied()
    rollback(dsn)
    abort(dsn)
    items.on_subscriber(subscribers.attach(plan))
    items.assert_equal()
    items.on_publisher(subscribers.release_publisher(plan))
    assert_same(schema_dump(items.database), dump)


@pytest.mark.slow
def test_only_the_default(items: Pair) -> None:
    """The journal is sent as well."""
    dsn = items.database.dsn
    chosen = PlanOptions(accept_replication=True, strategy="default-only")
    ended = run(dsn, "plan", "--strategy", "default-only")
    assert (ended.code, "it would send the journal" in ended.output) == (3, True)
    plan = make_plan(dsn, chosen)
    items.on_publisher(subscribers.prepare_publisher(plan))
    items.await_applied()
    items.on_subscriber(subscribers.detach(plan))
    assert migrate(dsn, chosen).state == "switched"
    items.publisher.execute("INSERT INTO items (n) VALUES (11)")
    finish(dsn)
    items.on_subscriber(subscribers.attach(plan))
    items.assert_equal()
    assert items.subscriber.execute(APPLY_ERRORS).fetchone() == (0,)


@pytest.mark.slow
def test_what_is_said_and_when(items: Pair) -> None:
    """Not after the cutover, when our tables are still there: at the end."""
    dsn, let_go, copy_anew = items.database.dsn, 'DROP PUBLICATION "All There Is"', "TRUNCATE"
    refused = run(dsn, "migrate", "--yes")
    assert refused.code == 3
    assert "--accept-replication" in refused.output
    migrated = run(dsn, "migrate", "--accept-replication", "--yes")
    assert migrated.code == 0, migrated.output
    before = migrated.output.partition("cutover: done")[0]
    assert let_go in before
    assert "after uuidmig finish or abort" in before
    assert migrated.output.count(copy_anew) == 1
    finished = run(dsn, "finish", "--yes")
    assert finished.code == 0, finished.output
    assert copy_anew in finished.output
