"""Partitioned by a key: with its new key a row belongs to another partition than with its old one.

Below such a partitioned table rows are handled as a whole: they are put into its shadow, and the
server finds the partition. What counts is the uppermost such table: it is the *entrance* of all
leaves below it. Every other leaf is its own entrance: a row of it goes into its own shadow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from uuidmig.catalog.model import RelationName, Table
from uuidmig.planner.model import ClosureTable
from uuidmig.planner.partitions import leaves, member_of
from uuidmig.planner.range_bounds import compared, read_ranges, split_list


def partitioned(table: ClosureTable) -> Iterator[Table]:
    """Yield the partitioned tables of a tree, the root first."""
    return (part for part in (table.table, *table.table.partitions) if part.kind == "p")


def deciding_keys(table: ClosureTable, part: Table) -> tuple[str, ...]:
    """Return the columns with keys that decide in which partition of a part a row lies, by name.

    Expressions are searched for the name as a word: rather one too many than one too few.
    """
    method, _, listed = (part.partition_key or "").partition(" ")
    mapped = {column for column, _ in table.roots} | {r.column for r in table.references}
    named = sorted(column for column in mapped if names_column(column, listed))
    if method != "RANGE" or not named:
        return tuple(named)
    ranges = read_ranges(child.bound for child in children(table, part))
    expressions = compared(split_list(listed), ranges)
    return tuple(c for c in named if any(names_column(c, e) for e in expressions))


def names_column(column: str, expression: str) -> bool:
    """Return whether the name of the column is a word of this expression."""
    quoted = re.escape(column.replace('"', '""'))
    return re.search(rf"(?<!\w){quoted}(?!\w)", expression) is not None


def listed_column(table: ClosureTable, part: Table) -> str | None:
    """Return the key column by whose LIST a part of the table is partitioned; None for all others.

    Its bounds get new values like the rows, so these stay where they are. Soft references are no
    such columns: what they hold may be no key.
    """
    hard = {r.column for r in table.references if r.foreign_key is not None}
    for column in hard.union(dict(table.roots)):
        quoted = '"' + column.replace('"', '""') + '"'
        if part.partition_key in (f"LIST ({column})", f"LIST ({quoted})"):
            return column
    return None


def children(table: ClosureTable, part: Table) -> tuple[Table, ...]:
    """Return the partitions right below a part of the table."""
    return tuple(child for child in table.table.partitions if child.parent == part.name)


def mixes(table: ClosureTable, part: Table) -> bool:
    """Return whether rows change their partition right below this part of the table.

    Not where there is but one, which takes them all, nor where the bounds change with the rows.
    """
    if part.kind != "p" or not deciding_keys(table, part):
        return False
    if listed_column(table, part) is not None:
        return False
    return [child.bound for child in children(table, part)] != ["DEFAULT"]


def mixing_keys(table: ClosureTable) -> tuple[str, ...]:
    """Return the columns by whose new values rows change their partition, by name."""
    mixing = [part for part in partitioned(table) if mixes(table, part)]
    return tuple(sorted({key for part in mixing for key in deciding_keys(table, part)}))


def entrance(table: ClosureTable, member: ClosureTable) -> ClosureTable:
    """Return the member of the table into whose shadow the rows of this member are to go."""
    parts = {part.name: part for part in table.table.partitions}
    found, above = None, member.table.parent
    while above is not None:
        part = parts.get(above, table.table)
        if mixes(table, part):
            found = part
        above = part.parent
    return member if found is None else member_of(table, found)


def shared_entrances(table: ClosureTable) -> tuple[tuple[ClosureTable, tuple[int, ...]], ...]:
    """Return the entrances that are no leaves, each with the numbers of the leaves below it.

    A leaf's number is its place among the leaves of the table; it counts from 1.
    """
    below: dict[RelationName, RelationName] = {}  # what is below which entrance, itself too
    numbers: dict[RelationName, list[int]] = {}
    number = 0
    for part in (table.table, *table.table.partitions):  # parents first
        if part.parent in below:
            below[part.name] = below[part.parent]
        elif mixes(table, part):
            below[part.name] = part.name
        if part.kind != "p":
            number += 1
            if part.name in below:
                numbers.setdefault(below[part.name], []).append(number)
    parts = {part.name: part for part in (table.table, *table.table.partitions)}
    return tuple((member_of(table, parts[name]), tuple(n)) for name, n in numbers.items())


def spread_leaves(table: ClosureTable) -> frozenset[int]:
    """Return the numbers of the leaves whose rows lie in several leaves of the shadows."""
    return frozenset(number for _, numbers in shared_entrances(table) for number in numbers)


def copied_together(table: ClosureTable, number: int) -> tuple[tuple[ClosureTable, int], ...]:
    """Return the leaves, with their numbers, whose rows lie among those of leaf `number` in the
    shadows: none of them can be copied again without the others."""
    together = next((n for _, n in shared_entrances(table) if number in n), (number,))
    every = leaves(table)
    return tuple((every[n - 1], n) for n in together)


def comparable(table: ClosureTable, leaf: ClosureTable) -> ClosureTable:
    """Return the leaf with its columns as its entrance has them: a row that comes to another leaf
    must look the same there, in whatever order that has its columns."""
    return replace(leaf, table=replace(leaf.table, columns=entrance(table, leaf).table.columns))
