"""Foreign keys of partitioned tables before PostgreSQL 18, which takes none of them NOT VALID.

Added to the whole under the cutover's locks, such a key would be checked against every row while
everybody waits. So each partition gets it, NOT VALID; that is validated afterwards; then the whole
gets it, which reads nothing, as it takes over the valid keys that its partitions have
(tryAttachPartitionForeignKey in src/backend/commands/tablecmds.c).
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.catalog.model import ForeignKey, RelationName
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partition_refusals import NOT_VALID_WHEN_PARTITIONED
from uuidmig.planner.partitions import leaves, members
from uuidmig.steps.model import Statement
from uuidmig.steps.names import regclass, regclass_array
from uuidmig.steps.shadow import constraint_comment
from uuidmig.steps.verbatim import verbatim

# Only where the partitions have it on their own: it may be there already, or dropped by the user.
_PUT_BACK = sql.SQL("""DO $uuidmig$
BEGIN
  IF (0 = {count} OR EXISTS (SELECT FROM pg_constraint WHERE conname = {name}
                             AND conparentid = 0 AND conrelid IN ({leaves})))
     AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = {name}
                     AND conrelid = to_regclass({table})) THEN
    {add};
    {comment}
  END IF;
END
$uuidmig$""")


def is_staged(plan: Plan, key: ForeignKey) -> bool:
    """Return whether the key is one of a partitioned table that is put back in two stages."""
    child = _child(plan, key)
    partitioned = child is not None and child.table.kind == "p"
    return partitioned and plan.server.version < NOT_VALID_WHEN_PARTITIONED


def _child(plan: Plan, key: ForeignKey) -> ClosureTable | None:
    return next((table for table in plan.tables if table.name == key.child), None)


def leaf_names(plan: Plan, key: ForeignKey) -> tuple[RelationName, ...]:
    """Return the partitions with rows of the table that has the foreign key."""
    child = _child(plan, key)
    return () if child is None else tuple(leaf.name for leaf in leaves(child))


def add_to_leaves(plan: Plan, key: ForeignKey) -> list[sql.Composable]:
    """Return the statements that give it to each partition, NOT VALID."""
    return [_add(relation, key, " NOT VALID") for relation in leaf_names(plan, key)]


def _add(relation: RelationName, key: ForeignKey, validity: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}{}").format(
        relation.identifier,
        sql.Identifier(key.name),
        verbatim(key.definition.removesuffix(" NOT VALID")),
        verbatim(validity),
    )


def drop_everywhere(plan: Plan, key: ForeignKey) -> list[sql.Composable]:
    """Return the statements that drop it, whichever stage it is in."""
    return [
        sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(
            relation.identifier, sql.Identifier(key.name)
        )
        for relation in (key.child, *leaf_names(plan, key))
    ]


def put_back(plan: Plan, key: ForeignKey) -> tuple[Statement, ...]:
    """Return the statement that gives it to the whole, once all partitions have it validated."""
    names: list[sql.Composable] = [
        sql.SQL("to_regclass({})").format(sql.Literal(name.identifier.as_string(None)))
        for name in leaf_names(plan, key)
    ]
    comments = constraint_comment(key.child, key.name, key.comment)
    text = _PUT_BACK.format(
        name=sql.Literal(key.name),
        count=sql.Literal(len(names)),
        leaves=sql.SQL(", ").join(names or [sql.SQL("NULL")]),
        table=sql.Literal(key.child.identifier.as_string(None)),
        add=_add(key.child, key, ""),
        comment=sql.SQL("").join([sql.SQL("{};").format(part) for part in comments]),
    )
    return (Statement(text, f"{key.name} of the partitions becomes that of the whole"),)


def lock_for_put_back(plan: Plan) -> Statement:
    """Return the statement that takes the locks of `put_back` within the lock budget."""
    names: dict[RelationName, None] = {}
    outside = {table.name: table for table in plan.outside_tables}
    for table in plan.tables:
        for key in table.table.foreign_keys:
            if not is_staged(plan, key):
                continue
            names.update((member.name, None) for member in members(table))
            for parent in plan.tables:
                if parent.name == key.parent:
                    names.update((member.name, None) for member in members(parent))
            if key.parent in outside:
                names.update(
                    (t.name, None) for t in (outside[key.parent], *outside[key.parent].partitions)
                )
    order = [member.name for table in plan.tables for member in members(table)]
    ordered = [name for name in order if name in names] + [n for n in names if n not in order]
    array = regclass_array([regclass(name.identifier) for name in ordered])
    return Statement(
        sql.SQL("SELECT uuidmig.lock_tables({}, 'SHARE ROW EXCLUSIVE')").format(array),
        "SHARE ROW EXCLUSIVE on both ends of the foreign keys of partitioned tables",
    )
