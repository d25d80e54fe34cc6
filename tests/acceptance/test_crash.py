"""`kill -9` in every phase: status makes sense, the next run ends what the first began.

The kill comes from a failpoint inside the process, so it hits the same place every time.
"""

from __future__ import annotations

import pytest

from tests.acceptance.commands import run, run_into
from tests.acceptance.shop import Shop
from tests.schema_dump import finished_dump, schema_dump, with_new_defaults
from uuidmig import PlanOptions, RunOptions, abort, finish, make_plan, migrate, rollback, status

MIGRATE = ("migrate", "--yes", "--batch", "100")

# Where the process dies, and the states that status may tell then.
BEFORE_CUTOVER = {
    "prepare": "prepared",
    "cut": "copying",
    "copying": "copying",
    "copying:3": "copying",
    "batch:4": "copying",
    "copy": "copied",
    "purged": "copied",
    "vacuumed": "copied",
    "index:3": "copied",
    "indexed": "copied",
    "attached": "copied",
    "build": "built",
    "drain": "built",
    "catch-up": "caught_up",
    "locked": "caught_up",
    "compared": "caught_up",
    "verify": "verified",
    "before-cutover": "verified",
}
AFTER_CUTOVER = {"cutover": "cutover", "validated": "cutover", "validate": "validated"}


@pytest.mark.parametrize(
    ("place", "state"), [*BEFORE_CUTOVER.items(), *AFTER_CUTOVER.items()], ids=str
)
def test_killed_migration_goes_on(shop: Shop, place: str, state: str) -> None:
    before, keys = shop.picture(), shop.keys()
    run_into(shop.dsn, place, *MIGRATE)
    told = status(shop.dsn)
    assert told.state == state
    assert told.coordinator is None
    assert told.next_commands
    assert shop.picture() == before
    report = migrate(shop.dsn, run_options=RunOptions(batch=100))
    assert report.state == "validated"
    assert shop.picture() == before
    shop.assert_mapped(keys)
    shop.assert_copied_once()
    assert not invalid_constraints(shop)


@pytest.mark.parametrize(
    "place",
    # One a phase: what abort finds differs by phase only.
    [
        "prepare",
        "cut",
        "copying:3",
        "copy",
        "index:3",
        "build",
        "locked",
        "verify",
        "before-cutover",
    ],
)
def test_abort_after_a_kill_leaves_no_trace(shop: Shop, place: str) -> None:
    before, dump = shop.picture(), schema_dump(shop.database)
    run_into(shop.dsn, place, *MIGRATE)
    abort(shop.dsn)
    assert schema_dump(shop.database) == dump
    assert shop.picture() == before
    assert shop.schemas() == set()


@pytest.mark.parametrize(
    ("place", "state"),
    {
        "drain_back": "validated",
        "before-rollback": "validated",
        "rollback": "rolled_back",
        "validated": "rolled_back",
    }.items(),
    ids=str,
)
def test_killed_rollback_goes_on(shop: Shop, place: str, state: str) -> None:
    before, keys, dump = shop.picture(), shop.keys(), schema_dump(shop.database)
    migrate(shop.dsn)
    shop.connection.execute("UPDATE shop.orders SET note = 'after' WHERE number % 7 = 0")
    shop.connection.execute("UPDATE shop.orders SET note = NULL WHERE number % 7 = 0")
    run_into(shop.dsn, place, "rollback", "--yes")
    assert status(shop.dsn).state == state
    assert rollback(shop.dsn).state == "rolled_back"
    after = shop.picture()
    assert after.keys() == before.keys()
    assert {t: len(rows) for t, rows in after.items()} == {t: len(r) for t, r in before.items()}
    assert shop.keys() == keys
    assert not invalid_constraints(shop)
    abort(shop.dsn)
    assert schema_dump(shop.database) == dump


def test_migrate_after_a_kill_between_cleaning_up_and_starting_afresh(shop: Shop) -> None:
    before, keys = shop.picture(), shop.keys()
    migrate(shop.dsn)
    rollback(shop.dsn)
    run_into(shop.dsn, "abort", *MIGRATE)
    assert status(shop.dsn).state is None
    assert migrate(shop.dsn).state == "validated"
    assert shop.picture() == before
    shop.assert_mapped(keys)


@pytest.mark.parametrize("place", ["validated", "before-finish", "finish"])
def test_killed_finish_goes_on(shop: Shop, place: str) -> None:
    before, dump = shop.picture(), schema_dump(shop.database)
    plan = make_plan(shop.dsn, PlanOptions())
    run_into(shop.dsn, "cutover", *MIGRATE)
    run_into(shop.dsn, place, "finish", "--yes")
    if place == "finish":
        assert status(shop.dsn).state is None
    else:
        assert status(shop.dsn).state == ("cutover" if place == "validated" else "validated")
        finish(shop.dsn)
    assert finished_dump(shop.database) == with_new_defaults(dump, plan)
    assert shop.picture() == before
    assert shop.versions() == {7}


def test_a_run_killed_in_every_phase_arrives(shop: Shop) -> None:
    """The command line all the way: each run dies in the next phase."""
    before, keys = shop.picture(), shop.keys()
    for place in ("prepare", "copying:2", "index:2", "drain", "compared", "cutover"):
        run_into(shop.dsn, place, *MIGRATE)
    ended = run(shop.dsn, *MIGRATE)
    assert ended.code == 0, ended
    assert shop.picture() == before
    shop.assert_mapped(keys)
    shop.assert_copied_once()


def invalid_constraints(shop: Shop) -> list[tuple[str]]:
    return shop.connection.execute(
        "SELECT conname FROM pg_constraint WHERE NOT convalidated"
        " AND connamespace = 'shop'::regnamespace"
    ).fetchall()
