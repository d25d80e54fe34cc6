"""Row level security through the swap.

A policy's expressions are bound to tables by oid. So policies are created again from their text
when the new tables bear the live names: one that reads another table of the closure then reads the
new one. The retired tables keep theirs, bound to each other, for the way back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import Policy, RelationName
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps.mapped import Relation
from uuidmig.steps.model import Statement
from uuidmig.steps.verbatim import verbatim

_COMMANDS: dict[str, LiteralString] = {
    "*": "ALL",
    "r": "SELECT",
    "a": "INSERT",
    "w": "UPDATE",
    "d": "DELETE",
}


def secure_new_tables(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that give the live tables, just swapped in, policies and flags."""
    parts: list[sql.Composable] = []
    for table in all_members(plan):
        for policy in table.table.policies:
            parts += _create(table.name, policy)
        if table.table.row_security:
            parts.append(_alter(table.name, "ENABLE"))
        if table.table.force_row_security:
            parts.append(_alter(table.name, "FORCE"))
    return tuple(Statement(part) for part in parts)


def open_retired(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that let the owner see the retired tables whole, for grace look-ups and
    the way back. Applications do not know these tables; policies go on to hold for other roles."""
    return tuple(
        Statement(_alter(table.retired, "NO FORCE"))
        for table in all_members(plan)
        if table.table.force_row_security
    )


def close_returned(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that force row security again on tables that a rollback put back."""
    return tuple(
        Statement(_alter(table.name, "FORCE"))
        for table in all_members(plan)
        if table.table.force_row_security
    )


def drop_policies(plan: Plan, relation: Relation) -> tuple[Statement, ...]:
    """Return the statements that drop the policies of tables that are to be dropped later.

    A policy that reads another table would stand in the way of dropping that. The flags stay: row
    security without a policy shows no row.
    """
    return tuple(
        Statement(
            sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy.name), relation(table))
        )
        for table in all_members(plan)
        for policy in table.table.policies
    )


def rebind_outside(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that bind policies of outside tables to those that are live now."""
    return tuple(
        Statement(
            sql.SQL("ALTER POLICY {} ON {}{}").format(
                sql.Identifier(policy.name),
                policy.relation.identifier,
                sql.SQL("").join(_expressions(policy)),
            )
        )
        for policy in plan.outside_policies
    )


def _create(relation: RelationName, policy: Policy) -> Iterator[sql.Composable]:
    kind: LiteralString = "PERMISSIVE" if policy.permissive else "RESTRICTIVE"
    roles = [sql.Identifier(role) if role else sql.SQL("PUBLIC") for role in policy.roles]
    yield sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {}{}").format(
        sql.Identifier(policy.name),
        relation.identifier,
        sql.SQL(kind),
        sql.SQL(_COMMANDS[policy.command]),
        sql.SQL(", ").join(roles),
        sql.SQL("").join(_expressions(policy)),
    )
    if policy.comment is not None:
        yield sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(
            sql.Identifier(policy.name), relation.identifier, sql.Literal(policy.comment)
        )


def _expressions(policy: Policy) -> Iterator[sql.Composable]:
    if policy.using is not None:
        yield sql.SQL(" USING ({})").format(verbatim(policy.using))
    if policy.check is not None:
        yield sql.SQL(" WITH CHECK ({})").format(verbatim(policy.check))


def _alter(relation: RelationName, action: LiteralString) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {} ROW LEVEL SECURITY").format(
        relation.identifier, sql.SQL(action)
    )
