"""A schema with everything at once: migrated, used, rolled back, migrated again and finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import pytest

from tests.acceptance.shop import Shop
from tests.acceptance.test_under_load import assert_unharmed, working
from tests.kitchen_sink.load import OPTIONS, KitchenSink, open_kitchen_sink, table_count
from tests.kitchen_sink.writer import writing
from tests.replication import pair_of, subscriber_server
from tests.schema_dump import finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import RunOptions, abort, finish, make_plan, migrate, rollback
from uuidmig.demo.writers import Writers
from uuidmig.steps import subscribers

RUN = RunOptions(batch=200, workers=2)


@contextmanager
def applications(shop: Shop, writers: Writers) -> Iterator[None]:
    """The shop's application and that of the rest, both at work; neither may see an error."""
    with writing(shop.dsn) as errors, working(writers):
        yield
    assert errors == []


def assert_same(sink: KitchenSink, contents: object, uses: object, writers: Writers) -> None:
    assert_unharmed(sink, writers)
    assert sink.contents() == contents
    assert sink.uses() == uses


@pytest.mark.slow
def test_there_and_back_and_there_again(database: TestDatabase) -> None:
    with open_kitchen_sink(database) as sink:
        assert table_count(sink.connection) >= 40
        dump, plan = schema_dump(database), make_plan(sink.dsn, OPTIONS)
        contents, uses = sink.contents(), sink.uses()
        assert all(uses.values())
        writers = Writers(sink.dsn, 4, rate=80.0)

        with applications(sink, writers):
            assert migrate(sink.dsn, OPTIONS, RUN).state == "validated"
        assert_same(sink, contents, uses, writers)

        with applications(sink, writers):
            assert rollback(sink.dsn).state == "rolled_back"
        assert_same(sink, contents, uses, writers)

        with applications(sink, writers):
            assert migrate(sink.dsn, OPTIONS, RUN).state == "validated"
        assert_same(sink, contents, uses, writers)

        finish(sink.dsn)
        assert_same(sink, contents, uses, writers)
        assert finished_dump(database) == with_new_defaults(dump, plan)


@pytest.mark.slow
def test_while_all_tables_are_published(database: TestDatabase) -> None:
    """Ours too: whatever is replayed, there and back, must be identified."""
    with open_kitchen_sink(database) as sink:
        with database.connect_admin(autocommit=True) as admin:
            admin.execute("CREATE PUBLICATION everything FOR ALL TABLES")
            if database.server.version >= 18:
                admin.execute(
                    "ALTER PUBLICATION everything SET (publish_generated_columns = stored)"
                )
        dump, writers = schema_dump(database), Writers(sink.dsn, 4, rate=80.0)
        with applications(sink, writers):
            assert migrate(sink.dsn, OPTIONS, RUN).state == "validated"
        assert_unharmed(sink, writers)
        with applications(sink, writers):
            assert rollback(sink.dsn).state == "rolled_back"
        assert_unharmed(sink, writers)
        abort(sink.dsn)
        assert schema_dump(database) == dump


PUBLICATIONS = ("What is sold", "events_as_a_whole", "events_by_partition", "stocks")
WITHOUT_FOREIGN_KEYS: LiteralString = """
    DO $$ DECLARE k record; BEGIN
      FOR k IN SELECT conrelid::regclass AS relation, conname FROM pg_constraint
               WHERE contype = 'f' AND conparentid = 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.relation, k.conname);
      END LOOP;
    END $$"""


@pytest.mark.slow
def test_a_subscriber_of_its_publications(database: TestDatabase) -> None:
    """It does what plan prints. Tables that it does not get hold no foreign keys there."""
    with (
        open_kitchen_sink(database) as sink,
        subscriber_server(database) as server,
        pair_of(database, server) as pair,
    ):
        pair.subscriber.execute(WITHOUT_FOREIGN_KEYS)
        pair.subscribe(*PUBLICATIONS)
        plan, writers = make_plan(sink.dsn, OPTIONS), Writers(sink.dsn, 4, rate=80.0)
        assert [publication.name for publication in plan.publications] == [*PUBLICATIONS]

        with applications(sink, writers):
            pair.on_publisher(subscribers.prepare_publisher(plan))
            pair.await_applied()
            pair.on_subscriber(subscribers.detach(plan))
            assert migrate(sink.dsn, OPTIONS, RUN).state == "validated"
            pair.on_subscriber(subscribers.attach(plan))
        pair.assert_equal()

        with applications(sink, writers):
            pair.on_subscriber(subscribers.detach(plan))
            rollback(sink.dsn)
            pair.on_subscriber(subscribers.attach(plan))
        pair.assert_equal()
        assert_unharmed(sink, writers)
