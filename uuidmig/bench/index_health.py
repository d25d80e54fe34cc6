"""How well the B-tree indexes of uuid columns are filled and ordered, and what keys they hold.

Random keys leave the leaf pages of an index about 70 % full and its pages in random order on disk;
keys in time order leave them 90 % full (the fill factor) and in order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from uuidmig.catalog.key_counts import count_keys
from uuidmig.catalog.model import KeyCounts, RelationName
from uuidmig.catalog.rows import Row, fetch

NOT_INSTALLED = (
    "the extension pgstattuple is not installed; a superuser can: CREATE EXTENSION pgstattuple"
)
NOT_PERMITTED = (
    "this role may not run pgstatindex; a superuser can: GRANT pg_stat_scan_tables TO the role"
)
NOT_VALID = "the index is not valid; drop it, or rebuild it with REINDEX INDEX CONCURRENTLY"
EMPTY = "the index is empty"


@dataclass(frozen=True, slots=True)
class IndexHealth:
    """One index. `column` is its first uuid column, `keys` are that column's by version.

    `leaf_density` is the mean share of a leaf page in use, `leaf_fragmentation` the share of leaf
    pages whose successor does not follow on disk, both in percent. Both are None when they cannot
    be had: `unavailable` says why. `keys` is None without the right to read the column.
    """

    table: RelationName
    index: str
    column: str
    bytes: int
    leaf_density: float | None
    leaf_fragmentation: float | None
    unavailable: str | None
    keys: KeyCounts | None


def inspect_indexes(
    connection: psycopg.Connection[Any], tables: Sequence[RelationName] | None = None
) -> tuple[IndexHealth, ...]:
    """Return the health of every B-tree index with a uuid column, of these tables or of all.

    Reads every page of each index (pgstatindex), and each table once a column: exactly below
    64 MB, else a sample (`keys.exact` tells). Does not write.
    """
    counts: dict[tuple[RelationName, str], KeyCounts] = {}
    function = _find_pgstatindex(connection)
    health = []
    for row in _list_indexes(connection, tables):
        table, column = RelationName(row["schema_name"], row["table_name"]), row["column_name"]
        if row["readable"] and (table, column) not in counts:
            counts[table, column] = count_keys(connection, table, column)
        density, fragmentation, unavailable = _measure(connection, function, row)
        health.append(
            IndexHealth(
                table=table,
                index=row["index_name"],
                column=column,
                bytes=row["bytes"],
                leaf_density=density,
                leaf_fragmentation=fragmentation,
                unavailable=unavailable,
                keys=counts.get((table, column)),
            )
        )
    return tuple(health)


def _list_indexes(
    connection: psycopg.Connection[Any], tables: Sequence[RelationName] | None
) -> list[Row]:
    chosen = {
        "schemas": None if tables is None else [table.schema for table in tables],
        "names": None if tables is None else [table.name for table in tables],
    }
    return fetch(connection, "uuid_indexes", **chosen)


def _find_pgstatindex(connection: psycopg.Connection[Any]) -> sql.Identifier | str:
    """Return the function's qualified name, or why it cannot be called."""
    for row in fetch(connection, "pgstatindex"):
        if row["permitted"]:
            return sql.Identifier(row["schema_name"], "pgstatindex")
        return NOT_PERMITTED
    return NOT_INSTALLED


def _measure(
    connection: psycopg.Connection[Any], function: sql.Identifier | str, row: Row
) -> tuple[float | None, float | None, str | None]:
    if not row["valid"]:
        return None, None, NOT_VALID
    if isinstance(function, str):
        return None, None, function
    query = sql.SQL(
        "select avg_leaf_density as density, leaf_fragmentation as fragmentation"
        " from {}(%s::bigint::oid::regclass)"
    ).format(function)
    with connection.cursor(row_factory=dict_row) as cursor:
        (measured,) = cursor.execute(query, [row["index_oid"]]).fetchall()
    if math.isnan(measured["density"]):
        return None, None, EMPTY
    return measured["density"], measured["fragmentation"], None
