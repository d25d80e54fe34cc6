"""Count the keys of a column by their version: exactly when that is cheap, else from a sample."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from uuidmig.catalog.model import KeyCounts, RelationName
from uuidmig.catalog.queries import load
from uuidmig.catalog.rows import Row

_SAMPLE_ROWS = 30_000
_ROWS_PER_PAGE = 100  # assumed of a table that was never analyzed


def count_keys(
    connection: psycopg.Connection[Any],
    relation: RelationName,
    column: str,
    *,
    exact_below_bytes: int = 64 * 1024 * 1024,
) -> KeyCounts:
    """Return how many keys of the uuid column are of version 4, of 7, and of any other form.

    NULLs do not count. A heap smaller than `exact_below_bytes` is scanned; of a larger one about
    30,000 rows in whole pages are read and the counts scaled to the estimated rows of the table.
    Does not write. Raises psycopg.errors.UndefinedTable or UndefinedColumn.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        name = relation.identifier.as_string(connection)
        size = _only(cursor.execute(load("relation_size"), {"relation": name}))
        if size["bytes"] >= exact_below_bytes:
            percent = _sample_percent(size)
            sample = _only(cursor.execute(_count(relation, column, percent)))
            if sample["rows"]:
                return _scaled(sample, size["rows"] or sample["rows"] * 100 / percent)
        return _exact(_only(cursor.execute(_count(relation, column, None))))


def _only(cursor: psycopg.Cursor[Row]) -> Row:
    (row,) = cursor.fetchall()
    return row


def _sample_percent(size: Row) -> float:
    rows: float = size["rows"] or size["pages"] * _ROWS_PER_PAGE
    return min(100.0, 100.0 * _SAMPLE_ROWS / max(rows, 1.0))


def _count(relation: RelationName, column: str, percent: float | None) -> sql.Composed:
    rows = sql.SQL("{} as source").format(relation.identifier)
    if percent is not None:
        # REPEATABLE: the same table gives the same plan.
        sample = sql.SQL(" tablesample system ({}) repeatable (7)").format(sql.Literal(percent))
        rows += sample
    return sql.SQL(load("count_keys")).format(rows=rows, column=sql.Identifier(column))


def _exact(row: Row) -> KeyCounts:
    return KeyCounts(row["v4"], row["v7"], row["other"], exact=True)


def _scaled(sample: Row, rows: float) -> KeyCounts:
    factor = rows / sample["rows"]
    v4, v7, other = (round(sample[name] * factor) for name in ("v4", "v7", "other"))
    return KeyCounts(v4, v7, other, exact=False)
