"""Foreign keys through the swap: none touches a shadow before it, all come back in it.

They are added NOT VALID under the cutover's locks, which is catalogue-only, and validated right
after, which blocks no writer.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.catalog.model import ForeignKey
from uuidmig.planner.model import Plan
from uuidmig.steps.model import Statement
from uuidmig.steps.names import regclass, regclass_array
from uuidmig.steps.shadow import constraint_comment
from uuidmig.steps.verbatim import verbatim


def all_foreign_keys(plan: Plan) -> tuple[ForeignKey, ...]:
    """Return the closure's own foreign keys and those that outside tables hold on it."""
    own = [key for table in plan.tables for key in table.table.foreign_keys]
    return (*own, *plan.incoming)


def lock_for_swap(plan: Plan) -> Statement:
    """Return the statement that takes every lock of the swap, in one go, within the lock budget.

    Adding or dropping a foreign key locks both sides: live tables outside the closure that are tied
    to it come after it, so that no later statement has to wait for anything.
    """
    inside = [table.name for table in plan.tables]
    ends = {end for key in all_foreign_keys(plan) for end in (key.child, key.parent)}
    ordered = [*inside, *sorted(ends.difference(inside))]
    tables = regclass_array([regclass(name.identifier) for name in ordered])
    return Statement(
        sql.SQL("SELECT uuidmig.lock_tables({}, 'ACCESS EXCLUSIVE')").format(tables),
        "ACCESS EXCLUSIVE on the closure and on tables tied to it by a foreign key",
    )


def drop_all(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that drop them from the tables that are live now.

    Retired tables keep none: a foreign key there would block deletes in live tables, and cascade
    when a rollback replays rows.
    """
    return tuple(
        Statement(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                key.child.identifier, sql.Identifier(key.name)
            )
        )
        for key in all_foreign_keys(plan)
    )


def add_all(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that add them, NOT VALID, to the tables that bear the names now."""
    parts: list[sql.Composable] = []
    for key in all_foreign_keys(plan):
        parts.append(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID").format(
                key.child.identifier,
                sql.Identifier(key.name),
                verbatim(key.definition.removesuffix(" NOT VALID")),
            )
        )
        parts += constraint_comment(key.child, key.name, key.comment)
    return tuple(Statement(part) for part in parts)


def validate_all(plan: Plan) -> tuple[Statement, ...]:
    """Return one VALIDATE a foreign key; SHARE UPDATE EXCLUSIVE, blocks neither reads nor writes."""
    return tuple(
        Statement(
            sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
                key.child.identifier, sql.Identifier(key.name)
            ),
            f"validate {key.name}",
        )
        for key in all_foreign_keys(plan)
        if key.validated
    )
