"""The guards of the revisions, the clock of the mapping and the generator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig.catalog.model import RelationName
from uuidmig.steps import capture, foreign_keys, journal
from uuidmig.steps.mapped import mapped_select

SCHEMA: LiteralString = """
create table parents (
    id uuid primary key default gen_random_uuid(), n int,
    created_at timestamptz not null default clock_timestamp()
);
create table children (
    id uuid primary key default gen_random_uuid(), parent_id uuid references parents, n int
);
insert into parents (n) select generate_series(1, 10);
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


@pytest.fixture
def migration(connection: Connection) -> Migration:
    return Migration.of(connection)


def fingerprint(connection: Connection) -> str:
    row = connection.execute("select uuidmig.fingerprint()").fetchone()
    assert row is not None
    return str(row[0])


def test_prepare_leaves_the_fingerprint_alone(migration: Migration) -> None:
    connection = migration.connection
    migration.prepare()
    migration.fill()
    connection.execute("insert into parents (n) values (0)")
    connection.execute("analyze parents")
    row = connection.execute("select fingerprint from uuidmig.run").fetchone()
    assert row == (fingerprint(connection),)
    migration.run([journal.require_fingerprint()])


@pytest.mark.parametrize(
    "change",
    [
        "alter table parents add x int",
        "alter table parents alter n set default 7",
        "alter table parents alter n set not null",
        "alter table parents alter n type bigint",
        "alter table children drop n",
        "alter table parents rename n to m",
        "alter table parents rename to ancestors",
        "alter table parents set (fillfactor = 50)",
        "alter table parents add check (n > 0)",
        "alter table parents replica identity full",
        "alter table parents enable row level security",
        "create policy p on parents",
        "create index on parents (n)",
        "drop index extra",
        "create view v as select * from parents",
        "create table outside (parent uuid references parents)",
        "create function f() returns int begin atomic select count(*)::int from parents; end",
        "create trigger t before update on parents for each row"
        " execute function suppress_redundant_updates_trigger()",
        "alter table parents disable trigger present",
        "grant select on parents to public",
        "grant select (n) on parents to public",
        "create table heir () inherits (parents)",
        "create statistics s on n, created_at from parents",
        "alter table parents alter n set statistics 9",
        "alter table parents alter n set storage plain, alter n set (n_distinct = 4)",
        "comment on column parents.n is 'new'",
        "create publication p for table parents",
    ],
)
def test_a_change_of_the_schema_stops_the_cutover(migration: Migration, change: str) -> None:
    migration.connection.execute(
        "create index extra on parents (n);"
        "create trigger present before update on parents for each row"
        " execute function suppress_redundant_updates_trigger()"
    )
    migration = Migration.of(migration.connection)
    migration.prepare()
    migration.fill()
    migration.connection.execute(change.encode())
    with pytest.raises(errors.ObjectInUse, match="changed since prepare"):
        migration.run([journal.require_fingerprint()])


def test_cutover_needs_the_state_verified(migration: Migration) -> None:
    migration.prepare()
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="in state prepared"):
        migration.cutover()
    migration.fill()
    migration.cutover()
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="in state cutover"):
        migration.cutover()


def test_cutover_needs_read_committed(migration: Migration) -> None:
    """Under a snapshot older than the locks the last drain would miss rows."""
    migration.prepare()
    migration.fill()
    migration.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="READ COMMITTED"):
        migration.cutover()


def test_the_last_drain_refuses_a_long_log(migration: Migration) -> None:
    migration.prepare()
    migration.fill()
    migration.connection.execute("update parents set n = n + 1")
    migration.connection.execute("set uuidmig.drain_limit = 9")
    with pytest.raises(psycopg.Error, match="more than 9 rows wait") as caught:
        migration.cutover()
    assert caught.value.sqlstate == "UM001"
    migration.connection.execute("set uuidmig.drain_limit = 10")
    migration.cutover()


@pytest.mark.parametrize("blocked", ["parents", "children"])
def test_locks_keep_to_the_budget(
    database: TestDatabase, migration: Migration, blocked: str
) -> None:
    migration.prepare()
    query: LiteralString = "lock table {} in access exclusive mode"
    with database.connect() as other:
        other.execute(psycopg.sql.SQL(query).format(psycopg.sql.Identifier(blocked)))
        started = time.monotonic()
        migration.connection.execute("set uuidmig.lock_budget = '150'")
        with pytest.raises(errors.LockNotAvailable):
            migration.run([capture.lock_closure(migration.plan, "ACCESS EXCLUSIVE")])
        assert 0.1 < time.monotonic() - started < 0.9
    with migration.connection.transaction():
        migration.run([foreign_keys.lock_for_swap(migration.plan)])


def test_whoever_took_the_tables_the_other_way_round_waits_but_a_moment(
    database: TestDatabase, migration: Migration
) -> None:
    """It holds the later table and wants the earlier one: one of the two has to let go first."""
    migration.prepare()
    migration.connection.execute("set uuidmig.lock_budget = '5000'")
    with database.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute("insert into children (n) values (1)")
        locking = pool.submit(
            migration.run, [capture.lock_closure(migration.plan, "ACCESS EXCLUSIVE")]
        )
        time.sleep(0.3)
        started = time.monotonic()
        other.execute("insert into parents (n) values (1)")
        other.commit()
        waited = time.monotonic() - started
        locking.result(timeout=10)
    assert waited < 0.5


def test_without_budget_no_lock(migration: Migration) -> None:
    """The waits count together: what the first table used up the second does not get."""
    migration.prepare()
    migration.connection.execute("set uuidmig.lock_budget = '0'")
    with pytest.raises(errors.LockNotAvailable, match="used up before public"):
        migration.run([capture.lock_closure(migration.plan, "ACCESS EXCLUSIVE")])


def test_the_times_are_folded_to_constants(migration: Migration) -> None:
    migration.prepare()
    select = mapped_select(migration.plan, migration.plan.tables[0])
    query = psycopg.sql.SQL("explain (verbose, costs off) {}").format(select)
    plan = "\n".join(line for (line,) in migration.connection.execute(query).fetchall())
    assert "uuidmig." not in plan
    times = migration.connection.execute(
        "select uuidmig.plan_time() - prepared_at, uuidmig.horizon() - uuidmig.plan_time()"
        " from uuidmig.run"
    ).fetchone()
    assert times is not None
    assert abs(times[0].total_seconds()) < 60
    assert abs(times[1].total_seconds() - journal.horizon_seconds(migration.plan)) < 1


def test_the_journal_names_source_and_shadow(migration: Migration) -> None:
    migration.prepare()
    rows = migration.connection.execute(
        "select number, source::regclass::text, shadow::regclass::text from uuidmig.closure_table"
        " order by number"
    ).fetchall()
    assert rows == [
        (1, "parents", "public__uuid7.parents"),
        (2, "children", "public__uuid7.children"),
    ]
    assert migration.plan.tables[0].shadow == RelationName("public__uuid7", "parents")


def test_generator(database: TestDatabase, migration: Migration) -> None:
    if database.server.version >= 18:
        pytest.skip("the server has uuidv7() itself")
    connection = migration.connection
    migration.prepare()
    rows = connection.execute(
        "select (1e6 * extract(epoch from clock_timestamp()))::bigint, uuidmig_keys.uuidv7(),"
        " (1e6 * extract(epoch from clock_timestamp()))::bigint from generate_series(1, 100000)"
    ).fetchall()
    keys = [row[1] for row in rows]
    assert {(key.version, key.variant) for key in keys} == {(7, "specified in RFC 4122")}
    assert len(set(keys)) == len(keys)
    # 12 bits of the sub-millisecond part: a quarter of a microsecond, as far as the clock goes
    prefixes = [key.int >> 64 for key in keys]
    assert prefixes == sorted(prefixes)
    for before, key, after in rows:  # microseconds; however long the server was kept from working
        assert before - 1 < 1000 * (key.int >> 80) + (key.int >> 64 & 0xFFF) * 1000 / 4096 <= after
    last_halves = {key.int & (1 << 62) - 1 for key in keys}
    assert len(last_halves) == len(keys)


def test_generator_is_inlined(database: TestDatabase, migration: Migration) -> None:
    if database.server.version >= 18:
        pytest.skip("the server has uuidv7() itself")
    migration.run_to_cutover()
    query = "explain (verbose, costs off) insert into parents (n) values (1)"
    plan = "\n".join(line for (line,) in migration.connection.execute(query).fetchall())
    assert "uuidmig_keys" not in plan
    assert "gen_random_uuid" in plan
