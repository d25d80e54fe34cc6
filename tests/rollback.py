"""What the old tables must hold after a rollback."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from tests.steps_driver import Migration, Rows
from uuidmig.planner.json_path import JsonPath, read_path
from uuidmig.planner.model import ClosureTable, Reference
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
        here = [r for r in soft if r.when is None or row[r.when.column] == r.when.equals]
        for reference in here:
            value = _in_form(reference, value, backwards[reference.domain])
        return value
    number = column_domain(table, column)
    return value if number is None else backwards[number].get(value, value)


def _in_form(reference: Reference, value: str, keys: dict[str, str]) -> str:
    if reference.form in ("uuid[]", "text[]"):
        if value.startswith("{{"):
            return value  # several dimensions
        return re.sub(
            r"(?<=[{,])[0-9a-f-]{36}(?=[,}])", lambda found: keys.get(found[0], found[0]), value
        )
    if reference.path is None:
        return keys.get(value, value)
    document = json.loads(value)
    changed = _at_path(document, read_path(reference.path), keys)
    return value if changed == document else written(changed, reference.form)


def _at_path(value: Any, path: JsonPath, keys: dict[str, str]) -> Any:
    if not path:
        return keys.get(value, value) if isinstance(value, str) else value
    step, rest = path[0], path[1:]
    if step is None:
        is_array = isinstance(value, list)
        return [_at_path(item, rest, keys) for item in value] if is_array else value
    if not isinstance(value, dict) or step not in value:
        return value
    return {**value, step: _at_path(value[step], rest, keys)}


def written(value: Any, form: str) -> str:
    """Return a document as the server writes it: as it keeps a jsonb, or makes a json of parts."""
    if form == "jsonb":
        return json.dumps(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{k}" : {written(v, form)}' for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(written(item, form) for item in value) + "]"
    return json.dumps(value)
