"""Catch-up, forth and back: after each pass the copy is the source through the mapping."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from psycopg.errors import LockNotAvailable, UniqueViolation

from tests.partitioned_walk import PartitionedWalk, RangeWalk
from tests.random_walk import RandomWalk
from tests.rollback import expected_after_rollback, has_no_way_back, inverses
from tests.servers import TestDatabase
from tests.soft_walk import DECLARED, SoftWalk
from tests.steps_driver import Connection, Migration
from uuidmig.engine.catchup import drain_beside_lock
from uuidmig.planner.model import PlanOptions
from uuidmig.planner.partitions import all_leaves
from uuidmig.steps import capture
from uuidmig.steps.copying import copy_statement

TRUNCATES = {"truncate_partitions", "truncate_some"}


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        yield owner


def _seed(fixed: int | None) -> int:
    """Return the fixed seed, or one that nobody has tried; UUIDMIG_TEST_SEED repeats it."""
    chosen = os.environ.get("UUIDMIG_TEST_SEED")
    number = int(chosen) if chosen else Random().randrange(10**6) if fixed is None else fixed
    print(f"UUIDMIG_TEST_SEED={number}")
    return number


# The second: two rows come to have one old key, after the cutover. The third: rows of one old key
# share a new one too, until the time of one of them changes.
@pytest.mark.parametrize("seed", [1, 325785, 73757, None])
def test_random_walk(connection: Connection, seed: int | None) -> None:
    walk_there_and_back(RandomWalk(connection, _seed(seed)), PlanOptions())


# The second: a table that has no rows at the cutover, and other keys of the old kind after it.
@pytest.mark.parametrize("seed", [2, 747018, None])
def test_random_walk_with_soft_references(connection: Connection, seed: int | None) -> None:
    walk = SoftWalk(connection, _seed(seed))
    walk_there_and_back(walk, PlanOptions(soft_references=DECLARED))


# The second: a person who is their own boss and lies in another partition under another key.
@pytest.mark.parametrize("seed", [1, 645973, None])
def test_random_walk_by_key(connection: Connection, seed: int | None) -> None:
    walk_there_and_back(PartitionedWalk(connection, _seed(seed)), PlanOptions())


@pytest.mark.parametrize("seed", [1, None])
def test_random_walk_by_range(connection: Connection, seed: int | None) -> None:
    walk_there_and_back(RangeWalk(connection, _seed(seed)), PlanOptions())


def walk_there_and_back(walk: RandomWalk, options: PlanOptions) -> None:
    walk.create()
    migration = Migration.of(walk.connection, options)
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
    if isinstance(walk, PartitionedWalk) and TRUNCATES & set(walk.done[-10:]):
        migration.drain()  # reads whole tables, so no swap does it under its locks
    migration.cutover()

    backwards = inverses(migration)
    walk.steps(60)
    migration.call("fill_key_map")
    for _ in range(8):
        walk.steps(walk.random.randrange(1, 15))
        if has_no_way_back(migration, backwards):
            with pytest.raises(UniqueViolation):
                migration.call("drain_back")
            return
        migration.call("drain_back")
    walk.steps(10)
    if has_no_way_back(migration, backwards):
        with pytest.raises(UniqueViolation):
            migration.rollback()
        return
    wanted = expected_after_rollback(migration, backwards)
    migration.rollback()
    for table in migration.plan.tables:
        assert migration.copied_rows(table) == wanted[table.number], table.name
    migration.abort()


def copy_while_walking(migration: Migration, walk: RandomWalk) -> None:
    """Copy ranges of pages with changes in between: rows move, are copied twice or not at all."""
    heaps = all_leaves(migration.plan)
    for table in heaps:
        migration.run([copy_statement(migration.plan, table, (0, 1))])
        walk.steps(4)
    for table in reversed(heaps):
        migration.run([copy_statement(migration.plan, table, (1, 3))])
        walk.steps(4)
    for table in heaps:
        migration.run([copy_statement(migration.plan, table, (3, None))])
        walk.steps(4)


@pytest.fixture
def walked(connection: Connection) -> Migration:
    walk = RandomWalk(connection, 1)
    walk.create()
    migration = Migration.of(connection)
    migration.prepare()
    migration.fill()
    return migration


def test_rows_of_one_old_key_part_from_one_new_key(connection: Connection) -> None:
    """Such a key is unique only with its house; the bed follows its room, though the new key that
    the room leaves is still that of the other one."""
    key = "3d5e5e6d-4b0b-4b7e-9d0c-6f9a58c1a111"
    connection.execute(
        "create table rooms (house int, id uuid default gen_random_uuid(), created_at timestamptz,"
        " primary key (house, id));"
        "insert into rooms select n, gen_random_uuid(), '2024-01-01' from generate_series(3, 9) n;"
        "create table beds (number int primary key, house int, room uuid,"
        " foreign key (house, room) references rooms)"
    )
    connection.execute("insert into rooms values (1, %s, null), (2, %s, null)", [key, key])
    connection.execute("insert into beds select house, house, id from rooms")
    migration = Migration.of(connection)
    migration.prepare()
    migration.fill()
    connection.execute("update rooms set created_at = '2024-01-01' where house = 1")
    migration.drain()
    migration.assert_shadows_equal()


def test_a_replay_waits_without_standing_in_the_way(
    database: TestDatabase, walked: Migration
) -> None:
    """It keeps no lock while it waits for one, so that nobody can meet it in a deadlock."""
    with ThreadPoolExecutor(1) as pool, database.connect() as application:
        application.execute("truncate stamps cascade")
        drained = pool.submit(walked.drain)
        time.sleep(0.2)
        # parents come first in the lock order: the waiting replay has had their locks
        application.execute("set lock_timeout = '3s'")
        application.execute("lock table people, tenants in access exclusive mode")
        time.sleep(0.5)
        assert not drained.done()
        application.execute("insert into tags (n) values (77)")
        application.commit()
        drained.result(timeout=30)
    walked.drain()
    walked.assert_shadows_equal()


def test_a_replay_beside_our_lock_never_waits_for_who_waits_for_it(
    database: TestDatabase, walked: Migration
) -> None:
    """The server sees no deadlock: it does not know for whose sake we hold the lock."""
    walked.connection.execute("update letters set n = n + 1")
    locks = capture.lock_closure(walked.plan, "SHARE").query
    with (
        ThreadPoolExecutor(1) as pool,
        database.connect() as locker,
        database.connect() as application,
        database.connect(autocommit=True) as drainer,
    ):
        drainer.execute("set statement_timeout = '20s'")  # a replay that waits ends, too
        locker.execute(locks)
        wanted = pool.submit(application.execute, "lock table letters in access exclusive mode")
        database.until_it_waits(application)
        with pytest.raises(LockNotAvailable):
            drain_beside_lock(drainer, walked.plan, 400)
        locker.rollback()
        wanted.result(timeout=30)
        application.rollback()
        locker.execute(locks)
        assert drain_beside_lock(drainer, walked.plan, 400) > 0
    walked.assert_shadows_equal()


def test_a_snapshot_older_than_a_truncate(database: TestDatabase, walked: Migration) -> None:
    """TRUNCATE shows in every snapshot, what the log says about it only in later ones."""
    walked.connection.execute("update letters set n = n + 1")
    with walked.connection.transaction():
        walked.connection.execute("set transaction isolation level repeatable read")
        walked.connection.execute("select 1")
        with database.connect(autocommit=True) as application:
            application.execute("truncate letters cascade")
            application.execute("insert into tags (n) values (78)")
        walked.connection.execute("select uuidmig.drain()")
    walked.drain()
    walked.assert_shadows_equal()
