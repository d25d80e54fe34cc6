"""Every way through a migration, for every scenario: what pg_dump and the rows say on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.rollback import expected_after_rollback, inverses
from tests.scenarios.read import SCENARIOS, Scenario
from tests.schema_dump import (
    assert_same,
    finished_dump,
    schema_dump,
    with_new_bounds,
    with_new_defaults,
)
from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration, plan_again, rows_of
from uuidmig.catalog.model import RelationName, Sequence
from uuidmig.planner.model import Plan


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("CREATE EXTENSION btree_gist")
    with database.connect(autocommit=True) as owner:
        yield owner


@pytest.mark.parametrize("name", SCENARIOS)
def test_life_cycle(database: TestDatabase, connection: Connection, name: str) -> None:
    scenario = SCENARIOS[name]
    if database.server.version < scenario.minimum_version:
        pytest.skip(f"needs PostgreSQL {scenario.minimum_version}")
    connection.execute(scenario.setup)
    before = schema_dump(database)
    migration = Migration.of(connection, scenario.options)

    check_abort(migration, scenario)
    assert_same(schema_dump(database), before)

    migration = plan_again(migration)
    check_cutover(migration, scenario)
    check_rollback(migration)
    migration.abort()
    assert_same(schema_dump(database), before)

    migration = plan_again(migration)
    check_finish(migration)
    expected = with_new_defaults(before, migration.plan)
    expected = with_new_bounds(expected, migration.plan, connection)
    assert_same(finished_dump(database), expected)


def check_abort(migration: Migration, scenario: Scenario) -> None:
    """Abort right after prepare, and with everything copied."""
    rows = migration.live_rows()
    migration.prepare()
    migration.abort()
    migration.prepare()
    migration.fill()
    migration.abort()
    assert migration.live_rows() == rows


def check_cutover(migration: Migration, scenario: Scenario) -> None:
    connection, plan = migration.connection, migration.plan
    migration.prepare()
    migration.fill(lambda: connection.execute(scenario.while_copying))
    old, counters = migration.live_rows(), owned_counters(migration)
    mapped = {table.number: migration.mapped_rows(table) for table in plan.tables}
    migration.cutover()
    for table in plan.tables:
        assert migration.copied_rows(table) == mapped[table.number], table.name
        assert rows_of(connection, table, table.retired) == old[str(table.name)]
    assert owned_counters(migration) == counters
    migration.validate()
    connection.execute(scenario.after_cutover)


def check_rollback(migration: Migration) -> None:
    """Whatever was done since the cutover is in the old tables, under the old keys."""
    wanted, counters = (
        expected_after_rollback(migration, inverses(migration)),
        owned_counters(migration),
    )
    migration.rollback()
    for table in migration.plan.tables:
        assert migration.copied_rows(table) == wanted[table.number], table.name
    assert owned_counters(migration) == counters


def check_finish(migration: Migration) -> None:
    migration.run_to_cutover()
    migration.validate()
    rows = migration.live_rows()
    migration.finish()
    assert migration.live_rows() == rows
    left = migration.connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ '^uuidmig$|__uuid[47]$'"
    ).fetchall()
    assert left == []


def owned_counters(migration: Migration) -> dict[str, tuple[Any, ...]]:
    """Return last_value and is_called of the sequences that live tables own."""
    return {
        str(sequence.relation): counter(migration.connection, sequence.relation)
        for sequence in sequences(migration.plan)
    }


def sequences(plan: Plan) -> Iterator[Sequence]:
    for table in plan.tables:
        for column in table.table.columns:
            if column.sequence is not None:
                yield column.sequence


def counter(connection: Connection, name: RelationName) -> tuple[Any, ...]:
    query = sql.SQL("SELECT last_value, is_called FROM {}").format(name.identifier)
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)
