"""The tables a partitioned one consists of. Every other table consists of itself.

A member is a ClosureTable of its own, with the number, the keys and the references of the whole:
what works on one table works on a member.
"""

from __future__ import annotations

from dataclasses import replace

from uuidmig.catalog.model import RelationName, Table
from uuidmig.planner.closure import neighbour_schema
from uuidmig.planner.model import ClosureTable, Plan


def members(table: ClosureTable) -> tuple[ClosureTable, ...]:
    """Return the table and its partitions at every level, parents first.

    Partitions have their own columns, in their own order, and all foreign keys of the whole.
    """
    return (table, *(member_of(table, partition) for partition in table.table.partitions))


def leaves(table: ClosureTable) -> tuple[ClosureTable, ...]:
    """Return the members that hold rows, in a fixed order: an ordinary table itself."""
    return tuple(member for member in members(table) if member.table.kind != "p")


def all_members(plan: Plan) -> tuple[ClosureTable, ...]:
    """Return the members of all tables of the closure, in lock order."""
    return tuple(member for table in plan.tables for member in members(table))


def all_leaves(plan: Plan) -> tuple[ClosureTable, ...]:
    """Return the members of all tables of the closure that hold rows."""
    return tuple(leaf for table in plan.tables for leaf in leaves(table))


def member_of(table: ClosureTable, partition: Table) -> ClosureTable:
    """Return the member that a partition of the table is; the table itself when it is that."""
    if partition.name == table.name:
        return table
    return replace(
        table,
        table=replace(partition, foreign_keys=table.table.foreign_keys),
        shadow=shadow_name(partition.name),
        retired=RelationName(
            neighbour_schema(partition.name.schema, "__uuid4"), partition.name.name
        ),
    )


def shadow_name(name: RelationName) -> RelationName:
    """Return where the shadow of the table of that name lies."""
    return RelationName(neighbour_schema(name.schema, "__uuid7"), name.name)
