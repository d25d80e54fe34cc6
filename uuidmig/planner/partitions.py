"""The tables a partitioned one consists of. Every other table consists of itself.

A member is a ClosureTable of its own, with the number, the keys and the references of the whole:
what works on one table works on a member.
"""

from __future__ import annotations

import re
from dataclasses import replace

from uuidmig.catalog.model import RelationName, Table
from uuidmig.planner.closure import neighbour_schema
from uuidmig.planner.model import ClosureTable, Plan


def members(table: ClosureTable) -> tuple[ClosureTable, ...]:
    """Return the table and its partitions at every level, parents first.

    Partitions have their own columns, in their own order, and all foreign keys of the whole.
    """
    return (table, *(_member(table, partition) for partition in table.table.partitions))


def leaves(table: ClosureTable) -> tuple[ClosureTable, ...]:
    """Return the members that hold rows, in a fixed order: an ordinary table itself."""
    return tuple(member for member in members(table) if member.table.kind != "p")


def all_members(plan: Plan) -> tuple[ClosureTable, ...]:
    """Return the members of all tables of the closure, in lock order."""
    return tuple(member for table in plan.tables for member in members(table))


def all_leaves(plan: Plan) -> tuple[ClosureTable, ...]:
    """Return the members of all tables of the closure that hold rows."""
    return tuple(leaf for table in plan.tables for leaf in leaves(table))


def _member(table: ClosureTable, partition: Table) -> ClosureTable:
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


def mapped_partition_columns(table: ClosureTable) -> tuple[str, ...]:
    """Return the columns with keys that decide which partition a row belongs to, by name.

    Expressions are searched for the name as a word: rather one too many than one too few.
    """
    keys = [member.table.partition_key for member in members(table) if member.table.partition_key]
    mapped = {column for column, _ in table.roots} | {r.column for r in table.references}
    return tuple(
        sorted(
            column
            for column in mapped
            if any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", key) for key in keys)
        )
    )
