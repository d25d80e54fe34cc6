"""A schema with everything at once: migrated, used, rolled back, migrated again and finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.shop import Shop
from tests.acceptance.test_under_load import assert_unharmed, working
from tests.kitchen_sink.load import KitchenSink, open_kitchen_sink, table_count
from tests.kitchen_sink.writer import writing
from tests.schema_dump import finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, finish, make_plan, migrate, rollback
from uuidmig.demo.writers import Writers

OPTIONS = RunOptions(batch=200, workers=2)


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
        dump, plan = schema_dump(database), make_plan(sink.dsn, PlanOptions())
        contents, uses = sink.contents(), sink.uses()
        writers = Writers(sink.dsn, 4, rate=80.0)

        with applications(sink, writers):
            assert migrate(sink.dsn, run_options=OPTIONS).state == "validated"
        assert_same(sink, contents, uses, writers)

        with applications(sink, writers):
            assert rollback(sink.dsn).state == "rolled_back"
        assert_same(sink, contents, uses, writers)

        with applications(sink, writers):
            assert migrate(sink.dsn, run_options=OPTIONS).state == "validated"
        assert_same(sink, contents, uses, writers)

        finish(sink.dsn)
        assert_same(sink, contents, uses, writers)
        assert finished_dump(database) == with_new_defaults(dump, plan)
