"""How full the leaf pages of uuid indexes are, page by page, apart by the version of their keys.

An average hides what mixed keys do: pages of uuid4 that nobody splits any more stay two thirds
full, and pages of new keys among them are half full. Needs pageinspect and a superuser.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from uuidmig.bench.measurement import FILL_BUCKETS, PageFill
from uuidmig.bench.queries import load
from uuidmig.catalog.model import RelationName

MOST_PAGES = 2000  # of an index: some seconds of reading at most, wherever they lie

NOT_INSTALLED = (
    "page fill by key version: the extension pageinspect is not installed; a superuser can:"
    " CREATE EXTENSION pageinspect"
)
NOT_PERMITTED = "page fill by key version: pageinspect answers superusers only"

# An item's data is its key's bytes in hex, with blanks: the version is the 13th of 32 digits.
_FILL = sql.SQL("""
SELECT least({last}, floor({buckets} * (1 - s.free_size / (s.page_size - 40.0))))::integer,
  k.versions
FROM generate_series(1, {pages}::bigint - 1, {step}::bigint) AS p(number)
CROSS JOIN LATERAL {schema}.bt_page_stats({index}, p.number) AS s
CROSS JOIN LATERAL (
  SELECT array_agg(DISTINCT substr(i.data, 19, 1)) AS versions
  FROM {schema}.bt_page_items({index}, p.number) AS i
  WHERE NOT i.nulls AND length(i.data) >= 47
) AS k
WHERE s.type = 'l' AND k.versions IS NOT NULL
""")


def read_page_fill(
    connection: psycopg.Connection[Any], table: RelationName
) -> tuple[PageFill, ...]:
    """Return the histogram of the index of the primary key, of a partitioned table some of them.

    At most MOST_PAGES pages an index, evenly spread. Does not write. Call `why_not` first.
    """
    schema = _extension_schema(connection)
    relation = table.identifier.as_string(connection)
    with connection.cursor(row_factory=dict_row) as cursor:
        indexes = cursor.execute(load("page_indexes"), {"relation": relation}).fetchall()
    return tuple(_fill(connection, sql.Identifier(schema or ""), table, row) for row in indexes)


def why_not(connection: psycopg.Connection[Any]) -> str | None:
    """Return why pages cannot be read here, None when they can."""
    if _extension_schema(connection) is None:
        return NOT_INSTALLED
    superuser = connection.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return None if superuser and superuser[0] else NOT_PERMITTED


def _extension_schema(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'pageinspect'"
    ).fetchone()
    return None if row is None else str(row[0])


def _fill(
    connection: psycopg.Connection[Any],
    schema: sql.Identifier,
    table: RelationName,
    index: dict[str, Any],
) -> PageFill:
    step = max(1, -(-index["pages"] // MOST_PAGES))
    query = _FILL.format(
        schema=schema,
        index=sql.Literal(index["quoted"]),
        pages=sql.Literal(index["pages"]),
        step=sql.Literal(step),
        buckets=sql.Literal(FILL_BUCKETS),
        last=sql.Literal(FILL_BUCKETS - 1),
    )
    found = Counter(
        (_kind(versions), bucket) for bucket, versions in connection.execute(query).fetchall()
    )

    def counts(kind: str) -> tuple[int, ...]:
        return tuple(found[kind, bucket] for bucket in range(FILL_BUCKETS))

    return PageFill(
        table=table,
        index=index["index_name"],
        pages=found.total(),
        exact=step == 1,
        v4=counts("v4"),
        v7=counts("v7"),
        mixed=counts("mixed"),
    )


def _kind(versions: list[str]) -> str:
    match versions:
        case ["4"]:
            return "v4"
        case ["7"]:
            return "v7"
    return "mixed"
