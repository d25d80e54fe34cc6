"""Old and new keys of what was converted, from the retired tables, by the server's own COPY."""

from __future__ import annotations

from psycopg import sql

from uuidmig.keys import mapping_sql
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.steps.mapped import MappedExpressions, retired
from uuidmig.steps.model import Statement
from uuidmig.steps.pages import page_range


def copy_key_pairs(
    plan: Plan,
    domain: KeyDomain,
    leaf: ClosureTable,
    first_page: int,
    last_page: int | None,
    copy_format: str = "csv",
) -> Statement:
    """Return COPY TO STDOUT of table, old and new key of these pages of the domain's root.

    `leaf` is the root table or one of its partitions, `copy_format` csv or binary. Keys that the
    migration left alone are left out. It reads the retired table, so it holds from the cutover to
    finish.
    """
    expressions = MappedExpressions(plan, retired)
    value = expressions.value(leaf, domain.root.column, "t")
    key = sql.Identifier("t", domain.root.column)
    return Statement(
        sql.SQL(
            "COPY (SELECT {name}, {key}, {value} FROM {relation} AS t{joins}"
            " WHERE {pages} AND {mapped}) TO STDOUT (FORMAT {format})"
        ).format(
            name=sql.Literal(str(domain.root.table)),
            key=key,
            value=value,
            relation=retired(leaf),
            joins=sql.SQL("").join(expressions.joins),
            pages=page_range("t", first_page, last_page),
            mapped=_is_mapped(plan, key),
            format=sql.Identifier(copy_format),
        )
    )


def _is_mapped(plan: Plan, key: sql.Composable) -> sql.Composed:
    test = sql.SQL("{} <> 7" if plan.options.non_v4 == "convert" else "{} = 4")
    return test.format(mapping_sql.version_expression(key))
