"""What a writer knows about its own rows: by labels, never by keys, so that it stays true when
keys change under it.

A label is what people call a row by: an order's reference, a customer's e-mail address. A row of
the model holds the labels of the rows it references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from uuidmig.demo.schema import read_sql

Row = Mapping[str, object]

TABLES: tuple[LiteralString, ...] = (
    "customers",
    "profiles",
    "orders",
    "order_items",
    "payments",
    "order_tags",
    "audit_log",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One row as a transaction leaves it; `row` None: deleted. `key` is given when it is new."""

    table: str
    label: str
    row: Row | None
    key: UUID | None = None


@dataclass(slots=True)
class Model:
    """The rows of one writer, and the keys the application remembers for them."""

    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    keys: dict[tuple[str, str], UUID] = field(default_factory=dict)

    def apply(self, changes: Iterable[Change]) -> None:
        """Take over what a committed transaction did, in order."""
        for change in changes:
            place = change.table, change.label
            if change.row is None:
                self.rows[change.table].pop(change.label, None)
                self.keys.pop(place, None)
                continue
            self.rows[change.table][change.label] = change.row
            if change.key is not None:
                self.keys[place] = change.key

    def changed(self, table: str, label: str, **values: object) -> Change:
        """Return the change that sets these columns of a row and keeps the others."""
        return Change(table, label, {**self.rows[table][label], **values})

    def naming(self, table: str, column: str, label: str) -> list[str]:
        """Return the labels of the rows of `table` whose `column` references `label`."""
        return [name for name, row in self.rows[table].items() if row[column] == label]


def read_rows(
    connection: psycopg.Connection[tuple[object, ...]], table: LiteralString, prefix: str
) -> dict[str, Row]:
    """Return the table's rows whose label starts with `prefix`, by label, as the model has them."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(read_sql(f"sql/rows/{table}.sql"), {"prefix": prefix})
        return {str(row.pop("label")): row for row in cursor}


def happened(connection: psycopg.Connection[tuple[object, ...]], changes: Sequence[Change]) -> bool:
    """Tell whether the transaction that made these changes was committed, by reading its rows."""
    final = {(change.table, change.label): change.row for change in changes}
    return all(
        read_rows(connection, table, label).get(label) == row
        for table in TABLES
        for (changed, label), row in final.items()
        if changed == table
    )


def differences(
    connection: psycopg.Connection[tuple[object, ...]],
    models: Sequence[Model],
    prefix: str,
) -> list[str]:
    """Return one line for each row that models and database do not agree on; empty: equal."""
    found: list[str] = []
    for table in TABLES:
        expected = {label: row for model in models for label, row in model.rows[table].items()}
        actual = read_rows(connection, table, prefix)
        found.extend(_compare(table, expected, actual))
    return found


def _compare(table: str, expected: dict[str, Row], actual: dict[str, Row]) -> Iterator[str]:
    for label in sorted(expected.keys() | actual.keys()):
        if label not in actual:
            yield f"{table} {label}: missing"
        elif label not in expected:
            yield f"{table} {label}: should not exist"
        elif expected[label] != actual[label]:
            yield f"{table} {label}: {_compare_columns(expected[label], actual[label])}"


def _compare_columns(expected: Row, actual: Row) -> str:
    return ", ".join(
        f"{column} is {actual.get(column)!r}, expected {value!r}"
        for column, value in expected.items()
        if actual.get(column) != value
    )
