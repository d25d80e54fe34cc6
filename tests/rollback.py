"""What the old tables must hold after a rollback."""

from __future__ import annotations

from collections import Counter

from tests.steps_driver import Migration, Rows
from uuidmig.planner.model import ClosureTable
from uuidmig.steps.drain import column_domain
from uuidmig.steps.soft import soft_references

Inverses = dict[int, dict[str, str]]


def inverses(migration: Migration) -> Inverses:
    """Return new key -> old key of every domain, read right after the cutover."""
    return {domain.number: _inverse(migration, domain.number) for domain in migration.plan.domains}


def _inverse(migration: Migration, number: int) -> dict[str, str]:
    domain = migration.plan.domain(number)
    found = migration.connection.execute(
        "SELECT DISTINCT new::text, old::text FROM uuidmig.id_map WHERE table_name = %s",
        [str(domain.root.table)],
    ).fetchall()
    return dict(found)


def expected_after_rollback(migration: Migration, backwards: Inverses) -> dict[int, Rows]:
    """Return the live rows with every key that was mapped turned back."""
    return {
        table.number: _translated(table, migration.copied_rows(table), backwards)
        for table in migration.plan.tables
    }


def has_no_way_back(migration: Migration, backwards: Inverses) -> bool:
    """Return whether two live rows would have one identity under the old keys."""
    for table in migration.plan.tables:
        rows = _translated(table, migration.copied_rows(table), backwards)
        places = [table.copied_columns.index(column) for column in table.identity]
        identities = Counter(tuple(row[place] for place in places) for row in rows.elements())
        if any(count > 1 for count in identities.values()):
            return True
    return False


def _translated(table: ClosureTable, rows: Rows, backwards: Inverses) -> Rows:
    result: Rows = Counter()
    for row, count in rows.items():
        named = dict(zip(table.copied_columns, row, strict=True))
        result[tuple(_turned_back(table, named, column, backwards) for column in named)] += count
    return result


def _turned_back(
    table: ClosureTable, row: dict[str, str | None], column: str, backwards: Inverses
) -> str | None:
    value = row[column]
    if value is None:
        return None
    if soft := soft_references(table, column):
        for reference in soft:
            when = reference.when
            if when is None or row[when.column] == when.equals:
                value = backwards[reference.domain].get(value, value)
        return value
    number = column_domain(table, column)
    return value if number is None else backwards[number].get(value, value)
