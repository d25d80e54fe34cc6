"""The defaults of key columns: of the tables named, and of everything that inherits the column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.catalog.model import RelationName
from uuidmig.catalog.queries import load
from uuidmig.catalog.rows import fetch


@dataclass(frozen=True, slots=True)
class KeyDefault:
    """The default of one column; None: the column has none. `kind` is pg_class.relkind.

    Partitions and inheritance children have defaults of their own, which count for rows that are
    inserted into them directly. `domain_default` is that of the column's type, where it has none.
    """

    relation: RelationName
    column: str
    kind: str
    default: str | None
    parent: RelationName | None = None  # that it is a partition of, or inherits from
    domain_default: str | None = None

    @property
    def effective(self) -> str | None:
        """What a row without a value gets."""
        return self.domain_default if self.default is None else self.default


def read_key_defaults(
    connection: psycopg.Connection[Any], columns: Sequence[tuple[RelationName, str]]
) -> tuple[KeyDefault, ...]:
    """Return the columns and those of all descendants of their tables, parents first.

    Expressions are qualified, as in `Column.default`. Does not write. The connection must be
    outside a transaction.
    """
    with connection.transaction():
        connection.execute(load("session"))
        rows = fetch(
            connection,
            "key_defaults",
            schemas=[relation.schema for relation, _ in columns],
            tables=[relation.name for relation, _ in columns],
            columns=[column for _, column in columns],
        )
    return tuple(
        KeyDefault(
            RelationName(row["table_schema"], row["table_name"]),
            row["key_column"],
            row["kind"],
            row["default"],
            RelationName(*row["parent"]) if row["parent"] else None,
            row["domain_default"],
        )
        for row in rows
    )
