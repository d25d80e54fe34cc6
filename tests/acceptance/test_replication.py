"""Published tables, with a real subscriber that does what the plan prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest
from psycopg import errors

from tests.acceptance.commands import wait_until
from tests.acceptance.shop import Shop
from tests.acceptance.test_under_load import working
from tests.replication import SLOT, Pair, pair_of, subscriber_server
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, finish, make_plan, migrate, rollback
from uuidmig.demo.writers import Writers
from uuidmig.servers.embedded import EmbeddedPostgres
from uuidmig.steps import subscribers

ACCEPTED = PlanOptions(accept_replication=True)
QUICK = RunOptions(batch=1000)

IDENTITIES: LiteralString = """
    ALTER TABLE shop.payments REPLICA IDENTITY FULL;
    ALTER TABLE shop.tags REPLICA IDENTITY USING INDEX tags_name_key;"""

PUBLICATIONS: dict[str, LiteralString] = {
    "tables": """
        CREATE PUBLICATION "All We Sell" FOR TABLE shop.customers, shop.profiles, shop.orders,
            shop.order_items, shop.payments WHERE (amount_cents > 0 AND method <> 'nothing'),
            shop.tags, shop.order_tags, shop.audit_log (id, order_id, message);
        ALTER PUBLICATION "All We Sell" OWNER TO app_owner""",
    "schema": 'CREATE PUBLICATION "All We Sell" FOR TABLES IN SCHEMA shop',
}


@pytest.fixture
def subscriber(shop: Shop) -> Iterator[EmbeddedPostgres]:
    with subscriber_server(shop.database) as server:
        yield server


@pytest.fixture(params=PUBLICATIONS)
def pair(
    shop: Shop, subscriber: EmbeddedPostgres, request: pytest.FixtureRequest
) -> Iterator[Pair]:
    shop.connection.execute(IDENTITIES)
    with shop.database.connect_admin(autocommit=True) as admin:
        admin.execute(PUBLICATIONS[request.param])
    with pair_of(shop.database, subscriber) as both:
        both.subscribe("All We Sell")
        yield both


def assert_unharmed(shop: Shop, writers: Writers) -> None:
    report = writers.report()
    assert [f"{e.sqlstate}: {e.message}" for e in report.errors] == []
    assert writers.verify(shop.connection) == []


@pytest.mark.slow
def test_a_subscriber_there_and_back_and_there_again(shop: Shop, pair: Pair) -> None:
    dump, plan = schema_dump(shop.database), make_plan(shop.dsn, ACCEPTED)
    writers = Writers(shop.dsn, 3, rate=40.0)
    before, release = subscribers.prepare_publisher(plan), subscribers.release_publisher(plan)

    with working(writers):
        assert SLOT in pair.on_publisher(before)
        pair.await_applied()
        pair.on_subscriber(subscribers.detach(plan))
        assert migrate(shop.dsn, ACCEPTED, QUICK).state == "validated"
        pair.on_subscriber(subscribers.attach(plan))
    pair.assert_equal()
    with working(writers):  # it goes on receiving
        pass
    pair.assert_equal()

    with working(writers):  # who did not detach before does it afterwards
        rollback(shop.dsn)
        pair.on_subscriber(subscribers.detach(plan))
        pair.on_subscriber(subscribers.attach(plan))
    pair.assert_equal()
    with working(writers):
        pass
    pair.assert_equal()
    assert_unharmed(shop, writers)
    pair.on_publisher(release)
    abort(shop.dsn)
    assert_same(schema_dump(shop.database), dump)

    migrate(shop.dsn, ACCEPTED, QUICK)
    finish(shop.dsn)
    assert_same(finished_dump(shop.database), with_new_defaults(dump, plan))


ITEMS: LiteralString = """
    CREATE TABLE items (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int NOT NULL);
    INSERT INTO items (n) SELECT generate_series(1, 10)"""


@pytest.fixture
def items(database: TestDatabase) -> Iterator[Pair]:
    """One table, all tables published."""
    with database.connect(autocommit=True) as owner:
        owner.execute(ITEMS)
    with subscriber_server(database) as server, pair_of(database, server) as both:
        both.publisher.execute("CREATE PUBLICATION everything FOR ALL TABLES")
        both.subscribe("everything")
        yield both


@pytest.mark.slow
def test_what_for_all_tables_would_do_to_a_subscriber(items: Pair) -> None:
    """Why it is refused: the subscriber has no such table and stops."""
    publisher = items.publisher
    publisher.execute("CREATE SCHEMA public__uuid7 CREATE TABLE items (n int)")
    publisher.execute("INSERT INTO public__uuid7.items VALUES (1)")
    failed = "SELECT apply_error_count > 0 FROM pg_stat_subscription_stats"
    wait_until(lambda: items.subscriber.execute(failed).fetchone() == (True,), "it fails")
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="replica identity"):
        publisher.execute("UPDATE public__uuid7.items SET n = 2")
    items.subscriber.execute("CREATE SCHEMA public__uuid7 CREATE TABLE items (n int)")
    items.await_applied()


@pytest.mark.slow
def test_a_refresh_alone_copies_nothing(items: Pair) -> None:
    """Why subscribers let go of the publication first."""
    items.on_publisher(["CREATE PUBLICATION list FOR TABLE items;"])
    items.publisher.execute("ALTER PUBLICATION list OWNER TO app_owner")
    items.await_applied()
    items.on_subscriber(
        ['ALTER SUBSCRIPTION :"subscription" SET PUBLICATION list WITH (copy_data = false);']
    )
    items.on_publisher(["DROP PUBLICATION everything;"])
    migrate(items.database.dsn, ACCEPTED)
    items.publisher.execute("UPDATE items SET n = 0 WHERE n = 1")
    items.on_subscriber(['ALTER SUBSCRIPTION :"subscription" REFRESH PUBLICATION;'])
    items.await_copied()
    items.await_applied()
    (sent,), (got,) = items.published().values(), items.received().values()
    assert len(got) == 10
    assert not sent & got
    assert "0" not in {row[1] for row in got}


@pytest.mark.slow
def test_a_subscriber_that_was_behind_when_the_old_tables_were_dropped(items: Pair) -> None:
    """Its slot still has to go through the cutover: old rows under the old catalog, then new."""
    items.on_publisher(
        ["CREATE PUBLICATION list FOR TABLE items; ALTER PUBLICATION list OWNER TO app_owner;"]
    )
    items.await_applied()
    items.on_subscriber(
        [
            'ALTER SUBSCRIPTION :"subscription" SET PUBLICATION list WITH (copy_data = false);',
            'ALTER SUBSCRIPTION :"subscription" SET (streaming = on);',
        ]
    )
    publisher, subscriber = items.publisher, items.subscriber
    publisher.execute("DROP PUBLICATION everything")
    plan = make_plan(items.database.dsn, ACCEPTED)
    items.on_publisher(subscribers.prepare_publisher(plan))
    items.await_applied()
    items.on_subscriber(['ALTER SUBSCRIPTION :"subscription" DISABLE;'])
    publisher.execute("UPDATE items SET n = 1000 WHERE n = 1")
    migrate(items.database.dsn, ACCEPTED)
    publisher.execute("UPDATE items SET n = 2000 WHERE n = 2")
    publisher.execute("INSERT INTO items (n) VALUES (3000)")
    finish(items.database.dsn)

    items.on_subscriber(['ALTER SUBSCRIPTION :"subscription" ENABLE;'])
    items.await_applied()
    got = subscriber.execute("SELECT array_agg(n ORDER BY n) FROM items").fetchone()
    assert got == ([*range(2, 11), 1000, 3000],), "what the old key changed, what is new"
    errors_seen = "SELECT apply_error_count FROM pg_stat_subscription_stats"
    assert subscriber.execute(errors_seen).fetchone() == (0,)
    items.on_subscriber(subscribers.detach(plan))
    items.on_subscriber(subscribers.attach(plan))
    items.assert_equal()
