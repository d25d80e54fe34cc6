"""Some rows of one column, with a bound on rows, pages and time. Never writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from uuidmig.catalog.model import Column, RelationName, Table

_PAGE_BYTES = 8192
_ROWS_PER_PAGE = 50  # assumed of a table that was never analyzed
_LEAST_PAGES = 10  # fewer would be too little of a sample, whatever fits on a page
_MARGIN = 10  # a limit that bites cuts the end of the table off, where the newest rows are

# What cannot be a key does not leave the server; a document of more bytes is not looked into.
_UUID_INSIDE: LiteralString = "[0-9A-Fa-f]{{8}}-?[0-9A-Fa-f]{{4}}-?[0-9A-Fa-f]{{4}}-?"
_VALUES: dict[str, LiteralString] = {
    "uuid": "{column}::text",
    "text": "CASE WHEN octet_length({column}::text) <= 64"
    " AND {column}::text ~ '" + _UUID_INSIDE + "' THEN {column}::text END",
    "array": "({column}::text[])[1:100]",
    "json": "CASE WHEN pg_column_size({column}) <= 32768"
    " AND {column}::text ~ '" + _UUID_INSIDE + "' THEN {column}::text END",
}

_SAMPLE = sql.SQL("SELECT {values} FROM (SELECT {columns} FROM {table}{pages} LIMIT {limit}) AS s")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a column is read: about so many rows, and for so many seconds a statement."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one column: what may hold keys, as text or list of texts, then the neighbours."""

    rows: tuple[tuple[Any, ...], ...]
    extent: str  # which rows these are, in words


@contextmanager
def bounded(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """One read-only transaction whose statements end after so many seconds, waits after half one.

    The server then raises psycopg.errors.QueryCanceled or LockNotAvailable.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        for setting, value in (
            ("statement_timeout", max(1, round(1000 * seconds))),
            ("lock_timeout", 500),
            ("max_parallel_workers_per_gather", 0),
        ):
            connection.execute("SELECT set_config(%s, %s, true)", [setting, str(value)])
        yield


def sample_column(
    connection: psycopg.Connection[Any],
    table: Table,
    column: Column,
    form: str,
    neighbours: Sequence[str],
    limits: Limits,
) -> Sample:
    """Return rows of a column, of a large table from pages all over it, the same ones each time.

    `form` is "uuid", "text", "array" or "json". Call it inside `bounded`.
    """
    percent = _percent(table, limits.rows)
    value = sql.SQL(_VALUES[form]).format(column=sql.Identifier("s", column.name))
    texts = [sql.SQL("left({}::text, 64)").format(sql.Identifier("s", n)) for n in neighbours]
    query = _SAMPLE.format(
        values=sql.SQL(", ").join([value, *texts]),
        columns=sql.SQL(", ").join(map(sql.Identifier, dict.fromkeys([column.name, *neighbours]))),
        table=table.name.identifier,
        pages=sql.SQL("")
        if percent is None
        else sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE (7)").format(sql.Literal(percent)),
        limit=sql.Literal(limits.rows if percent is None else _MARGIN * limits.rows),
    )
    rows = tuple(connection.execute(query).fetchall())
    return Sample(rows, _extent(len(rows), limits.rows, percent))


def _percent(table: Table, rows: int) -> float | None:
    """Return the percentage of pages that holds about so many rows; None: begin at the front."""
    pages = max(table.heap_bytes // _PAGE_BYTES, table.pages)
    known = table.rows > 0 and table.pages > 0
    rows_per_page = table.rows / table.pages if known else _ROWS_PER_PAGE
    wanted = max(_LEAST_PAGES, rows / max(rows_per_page, 0.1))
    return None if pages <= 2 * wanted else round(100 * wanted / pages, 6)


def _extent(found: int, limit: int, percent: float | None) -> str:
    if percent is not None:
        return f"{found} rows from {percent:.2g} % of the pages"
    return f"the first {found} rows" if found == limit else f"all {found} rows"


def find_existing(
    connection: psycopg.Connection[Any],
    keys: Sequence[tuple[RelationName, str]],
    values: Sequence[UUID],
) -> dict[int, set[UUID]]:
    """Return, by place in `keys`, those of the values that the key column holds."""
    parts = [
        sql.SQL("SELECT {}::integer, k.{} FROM {} AS k WHERE k.{} = ANY ({})").format(
            sql.Literal(place),
            sql.Identifier(column),
            table.identifier,
            sql.Identifier(column),
            sql.Literal(list(values)),
        )
        for place, (table, column) in enumerate(keys)
    ]
    found: dict[int, set[UUID]] = {place: set() for place in range(len(keys))}
    for place, value in connection.execute(sql.SQL(" UNION ALL ").join(parts)):
        found[place].add(value)
    return found
