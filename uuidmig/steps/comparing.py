"""Both sides of the verification: row count and an order-independent hash sum of whole rows."""

from __future__ import annotations

from psycopg import sql

from uuidmig.keys.mapping_sql import bytes_expression
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.mapped import key_columns, mapped_select, page_range
from uuidmig.steps.model import Statement

# A sum, not an exclusive or: pairs of equal differences must not cancel out.
_SUMS = sql.SQL(
    "SELECT count(*), coalesce(sum(hash_record_extended(ROW({columns}), 0)), 0), {wrong}"
    " FROM {rows} AS r"
)


def _columns(table: ClosureTable) -> sql.Composed:
    """Return the compared columns; a type without hash function is compared as its text."""
    parts: list[sql.Composable] = []
    for column in table.table.columns:
        if column.generated:
            continue
        name = sql.Identifier("r", column.name)
        parts.append(name if column.hashable else sql.SQL("{}::text").format(name))
    return sql.SQL(", ").join(parts)


def source_sums(
    plan: Plan, table: ClosureTable, first_page: int, last_page: int | None
) -> Statement:
    """Return SELECT rows, hash sum, orphans of source pages [first_page, last_page), mapped.

    Orphans are rows with a reference whose parent was not found. When there are none and both
    sides of all tables are equal, no reference in the shadows is an orphan either.
    """
    pages = page_range("t", first_page, last_page)
    references = [reference.column for reference in table.references]
    select = mapped_select(plan, table, pages, keys_as_bytes=True, unmapped=references)
    lost = [
        sql.SQL("({} IS NULL AND {} IS NOT NULL)").format(
            sql.Identifier("r", column), sql.Identifier("r", f"unmapped {number}")
        )
        for number, column in enumerate(references)
    ]
    rows = sql.SQL("({})").format(select)
    return Statement(_SUMS.format(columns=_columns(table), wrong=_count(lost), rows=rows))


def _count(conditions: list[sql.Composed]) -> sql.Composable:
    if not conditions:
        return sql.SQL("0::bigint")
    return sql.SQL("count(*) FILTER (WHERE {})").format(sql.SQL(" OR ").join(conditions))


def shadow_sums(
    plan: Plan, table: ClosureTable, first_page: int, last_page: int | None
) -> Statement:
    """Return SELECT rows, hash sum, root keys that are not version 7 of shadow pages."""
    roots = [] if plan.options.non_v4 == "keep" else [column for column, _ in table.roots]
    wrong = [
        sql.SQL("get_byte({}, 6) & 240 <> 112").format(sql.Identifier("r", column))
        for column in roots
    ]
    keys = key_columns(table)
    columns = [
        sql.SQL("{} AS {}").format(
            bytes_expression(sql.Identifier("t", column))
            if column in keys
            else sql.Identifier("t", column),
            sql.Identifier(column),
        )
        for column in table.copied_columns
    ]
    rows = sql.SQL("(SELECT {} FROM {} AS t WHERE {})").format(
        sql.SQL(", ").join(columns),
        table.shadow.identifier,
        page_range("t", first_page, last_page),
    )
    return Statement(_SUMS.format(columns=_columns(table), wrong=_count(wrong), rows=rows))


def differing_rows(plan: Plan, table: ClosureTable, limit: int = 5) -> Statement:
    """Return SELECT of up to `limit` identities that differ, with the side they are missing on."""
    rows = sql.SQL(
        "SELECT {identity}, hash_record_extended(ROW({columns}), 0) AS row_hash FROM {rows} AS r"
    )
    identity = sql.SQL(", ").join([sql.Identifier("r", column) for column in table.identity])
    source = rows.format(
        identity=identity,
        columns=_columns(table),
        rows=sql.SQL("({})").format(mapped_select(plan, table)),
    )
    shadow = rows.format(identity=identity, columns=_columns(table), rows=table.shadow.identifier)
    return Statement(
        sql.SQL(
            "(SELECT 'missing or different in the new table' AS what, (d.*)::text"
            " FROM ({source} EXCEPT ALL {shadow}) AS d LIMIT {limit})"
            " UNION ALL (SELECT 'only in the new table', (d.*)::text"
            " FROM ({shadow} EXCEPT ALL {source}) AS d LIMIT {limit})"
        ).format(source=source, shadow=shadow, limit=sql.Literal(limit))
    )
