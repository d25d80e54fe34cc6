"""The shop's condition at one moment: its keys, sizes, and how well its indexes are filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.bench.index_health import IndexHealth, inspect_indexes
from uuidmig.catalog.model import KeyCounts, RelationName
from uuidmig.demo.schema import SCHEMA, TABLES, read_sql


@dataclass(frozen=True, slots=True)
class Condition:
    """`keys` are those of each table's primary key (its first uuid column), `table_bytes` sizes
    with indexes and TOAST, by table; `indexes` all that have a uuid column."""

    keys: dict[str, KeyCounts]
    table_bytes: dict[str, int]
    indexes: dict[str, IndexHealth]


def examine(connection: psycopg.Connection[Any]) -> Condition:
    """Return the shop's condition; reads every page of its uuid indexes. Does not write."""
    names = [RelationName(SCHEMA, table) for table in TABLES]
    indexes = inspect_indexes(connection, names)
    keys: dict[str, KeyCounts] = {}
    for index in indexes:
        # A table's primary key comes first.
        if index.keys is not None:
            keys.setdefault(index.table.name, index.keys)
    sizes = connection.execute(read_sql("sql/table_sizes.sql"), [SCHEMA]).fetchall()
    return Condition(keys, dict(sizes), {index.index: index for index in indexes})
