"""Published tables, with a real subscriber that does what the plan prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest

from tests.acceptance.shop import Shop
from tests.acceptance.test_under_load import working
from tests.replication import SLOT, Pair, pair_of, subscriber_server
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
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
