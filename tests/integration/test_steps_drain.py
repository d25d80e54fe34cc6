"""Catch-up, forth and back: after each pass the copy is the source through the mapping."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from tests.random_walk import RandomWalk
from tests.rollback import expected_after_rollback, inverses
from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig.steps.copying import copy_statement

SEEDS = [1, 2, 3, 4]


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        yield owner


@pytest.fixture(params=[*SEEDS, "new"])
def seed(request: pytest.FixtureRequest) -> int:
    """Fixed seeds, and one that nobody has tried; UUIDMIG_TEST_SEED repeats it."""
    chosen = os.environ.get("UUIDMIG_TEST_SEED")
    number = Random().randrange(10**6) if request.param == "new" else int(request.param)
    number = int(chosen) if chosen else number
    print(f"UUIDMIG_TEST_SEED={number}")
    return number


def test_random_walk(connection: Connection, seed: int) -> None:
    walk = RandomWalk(connection, seed)
    walk.create()
    migration = Migration.of(connection)
    migration.prepare()
    copy_while_walking(migration, walk)
    migration.purge()
    walk.steps(10)
    migration.build_indexes()
    for _ in range(25):
        walk.steps(walk.random.randrange(1, 15))
        migration.drain()
        migration.assert_shadows_equal()
    migration.verify()
    walk.steps(10)
    migration.cutover()

    backwards = inverses(migration)
    walk.steps(60)
    migration.call("fill_key_map")
    for _ in range(8):
        walk.steps(walk.random.randrange(1, 15))
        migration.call("drain_back")
    walk.steps(10)
    wanted = expected_after_rollback(migration, backwards)
    migration.rollback()
    for table in migration.plan.tables:
        assert migration.copied_rows(table) == wanted[table.number], table.name
    migration.abort()


def copy_while_walking(migration: Migration, walk: RandomWalk) -> None:
    """Copy ranges of pages with changes in between: rows move, are copied twice or not at all."""
    for table in migration.plan.tables:
        migration.run([copy_statement(migration.plan, table, 0, 1)])
        walk.steps(4)
    for table in reversed(migration.plan.tables):
        migration.run([copy_statement(migration.plan, table, 1, 3)])
        walk.steps(4)
    for table in migration.plan.tables:
        migration.run([copy_statement(migration.plan, table, 3, None)])
        walk.steps(4)
