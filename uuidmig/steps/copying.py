"""The copy of ranges of heap pages, and what it may take from shadows that are filled."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.rerouting import entrance
from uuidmig.steps.mapped import holds_keys_inside, is_unchecked, mapped_select
from uuidmig.steps.model import Statement
from uuidmig.steps.names import column_list
from uuidmig.steps.pages import PageRange, page_range, rows_of_pages
from uuidmig.steps.unforced import unforced


def copy_statement(
    plan: Plan,
    table: ClosureTable,
    *pages: PageRange,
    copied: frozenset[int] = frozenset(),
    limit: int | None = None,
) -> Statement:
    """Return the INSERT … SELECT of heap pages into the shadow; into the partitioned one above it
    where new keys may belong to other partitions.

    References to the domains in `copied` come from the filled shadow of the domain's root. At most
    `limit` rows are inserted: it stops a join that multiplies rows.
    """
    select = select_pages(plan, table, pages, copied, limit)
    insert = Statement(
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE {}").format(
            destination(plan, table), column_list(table.copied_columns), select
        ),
        f"copy {table.name}, pages {pages[0][0]} to {pages[-1][1] or 'the end'}",
    )
    return unforced(plan, insert)


def destination(plan: Plan, table: ClosureTable) -> sql.Identifier:
    """Return the relation that the rows of a leaf go into."""
    return entrance(plan.tables[table.number - 1], table).shadow.identifier


def select_pages(
    plan: Plan,
    table: ClosureTable,
    pages: Sequence[PageRange],
    copied: frozenset[int],
    limit: int | None,
    *,
    keys_as_bytes: bool = False,
) -> sql.Composable:
    """Return the SELECT of heap pages through the mapping; see `copy_statement`, and
    MappedExpressions.value for `keys_as_bytes`."""
    whole = len(pages) == 1
    select = mapped_select(
        plan,
        table,
        page_range("t", *pages[0]) if whole else None,
        copied=copied,
        rows=None if whole else rows_of_pages(table, pages),
        keys_as_bytes=keys_as_bytes,
    )
    if limit is None:
        return select
    return sql.SQL("{} LIMIT {}").format(select, sql.Literal(limit))


def most_rows(table: ClosureTable, pages: Sequence[PageRange]) -> Statement:
    """Return SELECT of how many rows these pages could hold; it reads none of them.

    A row takes 24 bytes and 4 for its pointer at least (MaxHeapTuplesPerPage in
    src/include/access/htup_details.h).
    """
    closed = sum(last - first for first, last in pages if last is not None)
    count: sql.Composable = sql.Literal(closed)
    if pages[-1][1] is None:
        count = sql.SQL("{} + greatest(pg_relation_size({}::regclass) / size - {}, 0)").format(
            count,
            sql.Literal(table.name.identifier.as_string(None)),
            sql.Literal(pages[-1][0]),
        )
    return Statement(
        sql.SQL(
            "SELECT ({}) * (size / 28) FROM CAST(current_setting('block_size') AS bigint) AS size"
        ).format(count)
    )


def rows_read(table: ClosureTable) -> Statement:
    """Return SELECT of how many rows scans of the table have read in this session, for a
    difference within one transaction; it stays as it is with track_counts off."""
    return Statement(
        sql.SQL("SELECT pg_stat_get_xact_tuples_returned({}::regclass)").format(
            sql.Literal(table.name.identifier.as_string(None))
        )
    )


def roots_to_look_up(plan: Plan, table: ClosureTable) -> dict[int, ClosureTable]:
    """Return, by domain, the root tables whose shadows could tell the table's new references.

    Not the one through which the table borrows its own keys' time: that joins the parent anyway.
    None where a key inside an array or document has borrowed its time: each is looked up by itself,
    with a join that must be a nested loop, and the claims that use these shadows have none.
    """
    if any(
        holds_keys_inside(table, reference.column)
        and plan.domain(reference.domain).timestamp.kind == "parent"
        for reference in table.references
    ):
        return {}
    borrowing = {plan.domain(root).timestamp.foreign_key for _, root in table.roots}
    return {
        reference.domain: plan.table(plan.domain(reference.domain).root.table)
        for reference in table.references
        if plan.domain(reference.domain).root_unique
        and not is_unchecked(table, reference)
        and reference.foreign_key not in borrowing
        and plan.domain(reference.domain).root.table != table.name
    }
