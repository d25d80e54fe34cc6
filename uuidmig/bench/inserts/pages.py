"""How full an index is, and the pages that it got since it was loaded apart from the others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from uuidmig.catalog.rows import fetch

# The meta page, and what pgstatindex() counts as the room of a page.
_FIRST_PAGE = 1
_PAGE_ROOM = 8152.0

_WHOLE = sql.SQL(
    "SELECT avg_leaf_density AS density, leaf_fragmentation AS fragmentation,"
    " leaf_pages::bigint AS pages FROM {function}({index}::regclass)"
)
# A page is new when its block is: a split puts the right half of a full page on a new one.
_NEW = sql.SQL(
    "SELECT count(*) AS pages, avg(100 * (1 - page.free_size / {room}::float8)) AS density"
    " FROM generate_series({first}::bigint, pg_relation_size({index}) / {block} - 1) AS block,"
    " LATERAL {function}({index}, block) AS page WHERE page.type = 'l'"
)


@dataclass(frozen=True, slots=True)
class PageHealth:
    """The leaf pages of an index; in percent what is in use, and out of order on disk.

    `new_pages` and `new_page_density` are those of pages that were not there when the index had
    been loaded; the density is None when there are none. All are None without the extensions
    pgstattuple and pageinspect.
    """

    leaf_density: float | None = None
    leaf_fragmentation: float | None = None
    leaf_pages: int | None = None
    new_pages: int | None = None
    new_page_density: float | None = None


def find_functions(connection: psycopg.Connection[Any]) -> Mapping[str, sql.Identifier]:
    """Return the functions that may be called, of pgstatindex and bt_page_stats."""
    return {
        row["function_name"]: sql.Identifier(row["schema_name"], row["function_name"])
        for row in fetch(connection, "bench_pages")
        if row["permitted"]
    }


def read_pages(
    connection: psycopg.Connection[Any],
    functions: Mapping[str, sql.Identifier],
    index: sql.Identifier,
    loaded_bytes: int | None,
) -> PageHealth:
    """Return how the pages are; `loaded_bytes` was the index' size when it had been loaded.

    Reads the whole index. `loaded_bytes` None: nothing is told of new pages.
    """
    whole, new = {}, {}
    name = sql.Literal(index.as_string())
    if "pgstatindex" in functions:
        query = _WHOLE.format(function=functions["pgstatindex"], index=name)
        whole = _one(connection, query)
    if "bt_page_stats" in functions and loaded_bytes is not None:
        block = int(connection.execute("SHOW block_size").fetchone()[0])  # type: ignore[index]
        query = _NEW.format(
            function=functions["bt_page_stats"],
            index=name,
            first=sql.Literal(max(_FIRST_PAGE, loaded_bytes // block)),
            block=sql.Literal(block),
            room=sql.Literal(_PAGE_ROOM - 8192 + block),
        )
        new = _one(connection, query)
    return PageHealth(
        leaf_density=_number(whole.get("density")),
        leaf_fragmentation=_number(whole.get("fragmentation")),
        leaf_pages=whole.get("pages"),
        new_pages=new.get("pages"),
        new_page_density=_number(new.get("density")),
    )


def _one(connection: psycopg.Connection[Any], query: sql.Composed) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        (row,) = cursor.execute(query).fetchall()
    return row


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
