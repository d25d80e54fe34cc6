"""Ranges of heap pages: what one statement reads of a table."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from uuidmig.planner.model import ClosureTable
from uuidmig.steps.names import qualified

type PageRange = tuple[int, int | None]
"""Pages [first, end) of a heap; end None: to its last page, whatever has come until then."""


def page_range(alias: str, first_page: int, last_page: int | None) -> sql.Composed:
    """Return the ctid condition of heap pages [first_page, last_page); None: to the end.

    Such a range is a TID Range Scan: sequential, no index, each row of the snapshot once.
    """
    ctid = sql.Identifier(alias, "ctid")
    low = sql.SQL("{} >= {}::tid").format(ctid, sql.Literal(f"({first_page},0)"))
    if last_page is None:
        return sql.Composed([low])
    high = sql.SQL("{} < {}::tid").format(ctid, sql.Literal(f"({last_page},0)"))
    return sql.SQL("{} AND {}").format(low, high)


def rows_of_pages(table: ClosureTable, pages: Sequence[PageRange]) -> sql.Composed:
    """Return the source rows of these pages, in their order, as an item of FROM.

    Conditions joined by OR would be no TID Range Scan, so each range is a SELECT of its own.
    """
    select = sql.SQL("SELECT {} FROM {} AS s WHERE {}")
    columns = qualified("s", [column.name for column in table.table.columns])
    ranges = [
        select.format(columns, table.name.identifier, page_range("s", first, last))
        for first, last in pages
    ]
    return sql.SQL("({})").format(sql.SQL(" UNION ALL ").join(ranges))
