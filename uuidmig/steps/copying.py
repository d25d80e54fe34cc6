"""The copy of one range of heap pages, and the checks a chunk makes before it."""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.mapped import mapped_select, page_range
from uuidmig.steps.model import Statement
from uuidmig.steps.names import column_list


def copy_statement(
    plan: Plan, table: ClosureTable, first_page: int, last_page: int | None
) -> Statement:
    """Return the INSERT … SELECT of heap pages [first_page, last_page) into the shadow."""
    select = mapped_select(plan, table, page_range("t", first_page, last_page))
    return Statement(
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE {}").format(
            table.shadow.identifier, column_list(table.copied_columns), select
        ),
        f"copy {table.name}, pages {first_page} to {last_page or 'the end'}",
    )
