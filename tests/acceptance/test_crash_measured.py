"""`kill -9` in a run that measures: nothing of it is in the way, and what can still be had is."""

from __future__ import annotations

import pytest

from tests.acceptance.commands import run_into
from tests.acceptance.shop import Shop
from tests.schema_dump import finished_dump, with_new_defaults
from uuidmig import PlanOptions, RunOptions, abort, finish, make_plan, migrate, status
from uuidmig.engine.migration_record import read_migration

MIGRATE = ("migrate", "--yes", "--batch", "100", "--measure")


def stages(shop: Shop) -> list[str]:
    return [one.stage for one in read_migration(shop.dsn).measurements]


@pytest.mark.parametrize(
    ("place", "kept"),
    [("prepare", []), ("copying", ["before"]), ("cutover", ["before"]), ("validate", ["before"])],
)
def test_a_killed_run_is_measured_when_it_goes_on(shop: Shop, place: str, kept: list[str]) -> None:
    before, keys = shop.picture(), shop.keys()
    plan = make_plan(shop.dsn, PlanOptions())
    expected = with_new_defaults(finished_dump(shop.database), plan)
    run_into(shop.dsn, place, *MIGRATE)
    assert stages(shop) == kept
    report = migrate(shop.dsn, run_options=RunOptions(batch=100, measure=True))
    assert report.state == "validated"
    assert stages(shop) == ["before", "after"]
    assert shop.picture() == before
    shop.assert_mapped(keys)
    finish(shop.dsn)
    assert finished_dump(shop.database) == expected


def test_a_run_killed_before_it_is_prepared_is_taken_back(shop: Shop) -> None:
    dump = finished_dump(shop.database)
    run_into(shop.dsn, "prepare", *MIGRATE)
    assert status(shop.dsn).state == "prepared"
    abort(shop.dsn)
    assert finished_dump(shop.database) == dump
