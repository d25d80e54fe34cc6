"""Foreign keys through the swap: none touches a shadow before it, all come back in it.

They are added NOT VALID under the cutover's locks, which is catalogue-only, and validated right
after, which blocks no writer.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.catalog.model import ForeignKey, RelationName
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps.dependents import relations_to_lock
from uuidmig.steps.model import Statement
from uuidmig.steps.names import regclass, regclass_array
from uuidmig.steps.partitioned_keys import (
    add_to_leaves,
    drop_everywhere,
    is_staged,
    leaf_names,
    put_back,
)
from uuidmig.steps.shadow import constraint_comment
from uuidmig.steps.unforced import unforced
from uuidmig.steps.verbatim import verbatim


def all_foreign_keys(plan: Plan) -> tuple[ForeignKey, ...]:
    """Return the closure's own foreign keys and those that outside tables hold on it."""
    own = [key for table in plan.tables for key in table.table.foreign_keys]
    return (*own, *plan.incoming)


def joins_in_index_order(plan: Plan, key: ForeignKey) -> bool:
    """Return whether both sides of the key have an index in the order of its columns.

    Then looking for references without parent is a merge of two index-only scans.
    """
    tables = {
        table.name: table for table in (*(t.table for t in plan.tables), *plan.outside_tables)
    }
    sides = ((key.child, key.columns), (key.parent, key.parent_columns))
    return all(name in tables and tables[name].has_btree_on(columns) for name, columns in sides)


def lock_for_swap(plan: Plan) -> Statement:
    """Return the statement that takes every lock of the swap, in one go, within the lock budget.

    Adding or dropping a foreign key locks both sides, altering a policy its table: live tables
    outside the closure that are tied to it come after it, so that no later statement has to wait
    for anything.
    """
    inside = [member.name for member in all_members(plan)]
    ends = {end for key in all_foreign_keys(plan) for end in (key.child, key.parent)}
    ends |= {policy.relation for policy in plan.outside_policies}
    outside = sorted(ends.difference(inside))
    partitions = [
        partition.name
        for table in plan.outside_tables
        if table.name in outside
        for partition in table.partitions
    ]
    ordered = list(dict.fromkeys([*inside, *outside, *partitions]))
    tables = regclass_array([regclass(name.identifier) for name in ordered])
    return Statement(
        sql.SQL("SELECT uuidmig.lock_tables({} || {}, 'ACCESS EXCLUSIVE')").format(
            relations_to_lock(plan), tables
        ),
        "ACCESS EXCLUSIVE on the closure, its views, and what a foreign key, rule or policy ties",
    )


def drop_all(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that drop them from the tables that are live now.

    Retired tables keep none: a foreign key there would block deletes in live tables, and cascade
    when a rollback replays rows.
    """
    parts: list[sql.Composable] = []
    for key in all_foreign_keys(plan):
        if is_staged(plan, key):
            parts += drop_everywhere(plan, key)
        else:
            parts.append(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                    key.child.identifier, sql.Identifier(key.name)
                )
            )
    return tuple(Statement(part) for part in parts)


def add_all(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that add them, NOT VALID, to the tables that bear the names now."""
    parts: list[sql.Composable] = []
    for key in all_foreign_keys(plan):
        if is_staged(plan, key):
            parts += add_to_leaves(plan, key)
            continue
        parts.append(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID").format(
                key.child.identifier,
                sql.Identifier(key.name),
                verbatim(key.definition.removesuffix(" NOT VALID")),
            )
        )
        parts += constraint_comment(key.child, key.name, key.comment)
    return tuple(Statement(part) for part in parts)


def keys_to_validate(plan: Plan) -> tuple[ForeignKey, ...]:
    """Return the foreign keys that were valid before the cutover."""
    return tuple(key for key in all_foreign_keys(plan) if key.validated)


def validate(plan: Plan, key: ForeignKey) -> tuple[Statement, ...]:
    """Return the VALIDATE of a foreign key; its SHARE UPDATE EXCLUSIVE blocks only DDL.

    Of one that only the partitions have so far, there are as many as partitions.
    """
    if is_staged(plan, key):
        found = [_validate(name, key, sql.SQL("IF EXISTS ")) for name in leaf_names(plan, key)]
    else:
        found = [_validate(key.child, key, sql.SQL(""))]
    # Its query is one like any other: row security that is forced hides rows from it.
    return tuple(unforced(plan, statement) for statement in found)


def _validate(relation: RelationName, key: ForeignKey, existing: sql.SQL) -> Statement:
    return Statement(
        sql.SQL("ALTER TABLE {}{} VALIDATE CONSTRAINT {}").format(
            existing, relation.identifier, sql.Identifier(key.name)
        ),
        f"validate {key.name}",
    )


def validate_all(plan: Plan) -> tuple[Statement, ...]:
    """Return the VALIDATE of every foreign key, and what gives partitioned tables theirs back."""
    valid = [statement for key in keys_to_validate(plan) for statement in validate(plan, key)]
    return (*valid, *put_back_all(plan))


def put_back_all(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that make the valid foreign keys of partitions those of the whole."""
    staged = [key for key in all_foreign_keys(plan) if is_staged(plan, key)]
    return tuple(statement for key in staged for statement in put_back(plan, key))


_VALIDATE_RETURNED = sql.SQL("""DO $uuidmig$
DECLARE
  returned record;
BEGIN
  FOR returned IN
    SELECT c.conrelid::regclass AS child, c.conname FROM pg_constraint c
    WHERE NOT c.convalidated AND (c.conrelid, c.conname) IN ({keys})
  LOOP
    EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', returned.child, returned.conname);
  END LOOP;
END
$uuidmig$""")


def validate_returned(plan: Plan) -> tuple[Statement, ...]:
    """Return the statement that validates what a rollback put back; nothing where none was.

    It passes over keys that are gone: after a change of the schema, abort is the way out.
    """
    keys = [
        sql.SQL("(to_regclass({})::oid, {}::name)").format(
            sql.Literal(relation.identifier.as_string(None)), sql.Literal(key.name)
        )
        for key in all_foreign_keys(plan)
        if key.validated
        for relation in (leaf_names(plan, key) if is_staged(plan, key) else (key.child,))
    ]
    if not keys:
        return ()
    text = _VALIDATE_RETURNED.format(keys=sql.SQL(", ").join(keys))
    validated = Statement(text, "validate the foreign keys after a rollback")
    return (unforced(plan, validated), *put_back_all(plan))
