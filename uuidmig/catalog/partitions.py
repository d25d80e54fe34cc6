"""Partitions: one table with its partitions instead of a table for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from uuidmig.catalog.model import RelationName, Table


def fold_partitions(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Return the tables that are no partitions; partitioned ones with all that is below them.

    The order stays. Rows and sizes of a partitioned table are the sum of its partitions'.
    """
    tables = tuple(tables)
    children: dict[RelationName, list[Table]] = {}
    for table in tables:
        if table.parent is not None:
            children.setdefault(table.parent, []).append(table)
    return tuple(_with_partitions(table, children) for table in tables if table.parent is None)


def _with_partitions(table: Table, children: dict[RelationName, list[Table]]) -> Table:
    if table.kind != "p":
        return table
    partitions = tuple(_below(table.name, children))
    rows = [partition.rows for partition in partitions if partition.kind == "r"]
    return replace(
        table,
        partitions=partitions,
        # The server counts the rows of the whole only when somebody asks it to ANALYZE that.
        rows=sum(max(count, 0.0) for count in rows) if any(r >= 0 for r in rows) else -1.0,
        pages=sum(max(partition.pages, 0) for partition in partitions if partition.kind == "r"),
        heap_bytes=sum(partition.heap_bytes for partition in partitions),
        toast_bytes=sum(partition.toast_bytes for partition in partitions),
        index_bytes=sum(partition.index_bytes for partition in partitions),
    )


def _below(name: RelationName, children: dict[RelationName, list[Table]]) -> Iterator[Table]:
    """Yield the partitions of a table, each before its own partitions."""
    for partition in children.get(name, ()):
        yield partition
        yield from _below(partition.name, children)
