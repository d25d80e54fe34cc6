"""From query to frozen data: run a catalog query, build one object a row, group by table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from uuidmig.catalog.queries import load

Row = dict[str, Any]


def fetch(connection: psycopg.Connection[Any], query: str, **parameters: object) -> list[Row]:
    """Run the query of that name; rows as dictionaries, arrays as tuples."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(load(query), parameters)
        return [{name: frozen(value) for name, value in row.items()} for row in cursor]


def frozen(value: object) -> object:
    """Return the value with every list in it as a tuple."""
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def by_table[T](rows: Iterable[Row], build: Callable[..., T]) -> dict[int, tuple[T, ...]]:
    """Build an object of each row and group them by the row's `table_oid`, order kept.

    All other columns of the row are the builder's keyword arguments.
    """
    groups: defaultdict[int, list[T]] = defaultdict(list)
    for row in rows:
        fields = dict(row)
        groups[fields.pop("table_oid")].append(build(**fields))
    return {oid: tuple(group) for oid, group in groups.items()}
