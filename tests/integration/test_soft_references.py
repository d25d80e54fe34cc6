"""Declared soft references: which values change, and what becomes of remembered keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString
from uuid import UUID

import pytest

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration, make_plan
from uuidmig.planner.model import Discriminator, PlanOptions, SoftReference

SCHEMA: LiteralString = """
create table orders (
    id uuid primary key default gen_random_uuid(), n int unique,
    created_at timestamptz not null default '2024-01-01'
);
create table audit_log (n int primary key, entity_type text, entity_id uuid);
insert into orders (n) values (1), (2);
insert into audit_log select n, 'order', id from orders;
insert into audit_log select 10 + n, 'other', id from orders;
insert into audit_log values (20, 'order', '9b1d7f0a-52f3-4f0e-8b57-0c2f6d0e6a11');
"""
NOWHERE = UUID("9b1d7f0a-52f3-4f0e-8b57-0c2f6d0e6a11")
OPTIONS = PlanOptions(
    soft_references=(
        SoftReference("audit_log.entity_id", "orders.id", Discriminator("entity_type", "order")),
    )
)


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


def keys(connection: Connection) -> dict[int, UUID]:
    return dict(connection.execute("select n, id from orders").fetchall())


def entities(connection: Connection) -> dict[int, UUID]:
    return dict(connection.execute("select n, entity_id from audit_log").fetchall())


def test_only_keys_in_the_rows_of_the_discriminator_change(connection: Connection) -> None:
    old = keys(connection)
    Migration.of(connection, OPTIONS).run_to_cutover()
    new = keys(connection)

    assert {key.version for key in new.values()} == {7}
    assert entities(connection) == {1: new[1], 2: new[2], 11: old[1], 12: old[2], 20: NOWHERE}


def test_remembered_keys_are_translated_until_finish(connection: Connection) -> None:
    old = keys(connection)
    migration = Migration.of(connection, OPTIONS)
    migration.run_to_cutover()
    new = keys(connection)

    write = "insert into audit_log values (%s, %s, %s)"
    connection.execute(write, [30, "order", old[1]])
    connection.execute(write, [31, "other", old[1]])
    connection.execute(write, [32, "order", NOWHERE])
    connection.execute("update audit_log set entity_id = %s where n = 1", [old[2]])
    connection.execute("update audit_log set entity_type = 'order' where n = 11")
    found = entities(connection)

    assert (found[30], found[31], found[32]) == (new[1], old[1], NOWHERE)
    assert (found[1], found[11]) == (new[2], new[1])

    migration.validate()
    migration.finish()
    connection.execute(write, [40, "order", old[1]])
    assert entities(connection)[40] == old[1]


TEXT = PlanOptions(
    soft_references=(
        SoftReference("memos.key", "orders.id", Discriminator("about", "order")),
        SoftReference("memos.other", "orders.id"),
    )
)


def test_texts_in_canonical_form_are_keys_and_others_stay(connection: Connection) -> None:
    old = keys(connection)
    if connection.execute("select from pg_collation where collprovider = 'i'").fetchone():
        # knows no regular expressions, and takes an upper-case text for the same
        loose: LiteralString = "provider = icu, locale = 'und-u-ks-level2', deterministic = false"
    else:
        loose = "locale = 'C'"
    connection.execute(
        "create collation loose (" + loose + ");"
        "create table memos (n int primary key, about text, key text collate loose,"
        " other varchar(40));"
        "create index on memos (key)"
    )
    forms = {
        1: str(old[1]),
        2: str(old[1]).upper(),
        3: f"{{{old[1]}}}",
        4: "no key",
        5: str(NOWHERE),
    }
    for n, text in forms.items():
        connection.execute("insert into memos values (%s, 'order', %s, %s)", [n, text, text])
    connection.execute("insert into memos values (6, 'other', %s, null)", [str(old[1])])

    def memos() -> dict[int, tuple[str, str | None]]:
        rows = connection.execute("select n, key, other from memos").fetchall()
        return {n: (key, other) for n, key, other in rows}

    rows = memos()
    migration = Migration.of(connection, TEXT)
    late = str(NOWHERE)
    migration.prepare()
    migration.fill(lambda: connection.execute("insert into orders values (%s, 9)", [late]))
    migration.cutover()
    new = keys(connection)
    assert memos() == rows | {
        1: (str(new[1]), str(new[1])),
        5: (str(new[9]), str(new[9])),
    }

    connection.execute("insert into memos values (7, 'order', %s, %s)", [str(old[2])] * 2)
    connection.execute("insert into memos values (8, 'other', %s, 'x')", [str(old[2])])
    connection.execute("update memos set about = 'order' where n = 6")
    found = memos()
    assert found[7] == (str(new[2]), str(new[2]))
    assert found[8] == (str(old[2]), "x")
    assert found[6] == (str(new[1]), None)

    migration.rollback()
    assert memos() == rows | {7: (str(old[2]), str(old[2])), 8: (str(old[2]), "x")}
    migration.abort()


def test_a_rollback_turns_them_back(connection: Connection) -> None:
    old, rows = keys(connection), entities(connection)
    migration = Migration.of(connection, OPTIONS)
    migration.run_to_cutover()
    new = keys(connection)
    connection.execute("update audit_log set n = n + 100")
    connection.execute("insert into audit_log values (7, 'order', %s)", [new[2]])
    connection.execute("insert into audit_log values (8, 'other', %s)", [new[2]])
    migration.rollback()

    wanted = {n + 100: key for n, key in rows.items()}
    assert entities(connection) == wanted | {7: old[2], 8: new[2]}
    migration.abort()


def test_a_difference_is_found(connection: Connection) -> None:
    """The comparison looks at the values of soft references too."""
    migration = Migration.of(connection, OPTIONS)
    migration.prepare()
    migration.copy()
    migration.verify()
    shadow = migration.plan.tables[-1]
    assert shadow.name.name == "audit_log"
    connection.execute(
        'update "public__uuid7".audit_log set entity_id = gen_random_uuid() where n = 1'
    )
    with pytest.raises(AssertionError):
        migration.check_sums(shadow)


def test_a_large_table_without_index_is_refused(connection: Connection) -> None:
    connection.execute("alter table audit_log add filler text")
    connection.execute("alter table audit_log alter filler set storage plain")
    connection.execute(
        "insert into audit_log select g, 'order', null, repeat('x', 7000)"
        " from generate_series(1000, 5500) g"
    )
    found = {hazard.code: hazard.severity for hazard in make_plan(connection, OPTIONS).hazards}
    assert found["soft-reference-unindexed"] == "refusal"

    connection.execute("create index on audit_log (entity_id)")
    codes = {hazard.code for hazard in make_plan(connection, OPTIONS).hazards}
    assert not codes & {"soft-reference-unindexed", "soft-reference-scanned"}
