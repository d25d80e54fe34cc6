"""Key domains: which uuid columns hold the same keys, found from the foreign keys alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from uuidmig.catalog.model import Catalog, Column, ForeignKey, RelationName, Table
from uuidmig.planner.graph import strong_components
from uuidmig.planner.model import ColumnName
from uuidmig.planner.timestamps import find_own_timestamp


@dataclass(frozen=True, slots=True)
class Edge:
    """One column pair of a foreign key: the child column holds keys of the parent column."""

    parent: ColumnName
    foreign_key: ForeignKey


@dataclass(frozen=True, slots=True)
class KeyGraph:
    """All key columns. `roots` maps each to its roots: itself for a root; more than one is a
    contradiction, because one value cannot follow two keys."""

    edges: Mapping[ColumnName, tuple[Edge, ...]]
    roots: Mapping[ColumnName, tuple[ColumnName, ...]]

    def columns_of(self, root: ColumnName) -> tuple[ColumnName, ...]:
        """Return the columns whose values come from `root`, itself included, sorted."""
        return tuple(sorted(column for column, roots in self.roots.items() if root in roots))


def read_graph(catalog: Catalog) -> KeyGraph:
    """Find every uuid column that is part of a primary key or of a foreign key, and its roots."""
    edges = _read_edges(catalog)
    graph = {column: {edge.parent for edge in out} for column, out in edges.items()}
    tables = {table.name: table for table in catalog.tables}
    roots: dict[ColumnName, tuple[ColumnName, ...]] = {}
    for component in strong_components(graph):  # parents come before their children
        parents = {parent for column in component for parent in graph[column]} - set(component)
        if parents:
            found = tuple(sorted({root for parent in parents for root in roots[parent]}))
        else:
            found = (min(component, key=lambda name: (_rootless(name, tables), name)),)
        roots.update(dict.fromkeys(component, found))
    return KeyGraph(edges, roots)


def _rootless(name: ColumnName, tables: Mapping[RelationName, Table]) -> bool:
    """Sort key in a cycle on the very same columns: the table that knows its time is the root."""
    return find_own_timestamp(tables[name.table], "UTC") is None


def _read_edges(catalog: Catalog) -> dict[ColumnName, tuple[Edge, ...]]:
    tables = {table.name: table for table in catalog.tables}
    edges: dict[ColumnName, list[Edge]] = {
        ColumnName(table.name, column.name): []
        for table in catalog.tables
        for column in primary_uuid_columns(table)
    }
    for table in catalog.tables:
        for foreign_key in table.foreign_keys:
            parent_table = tables.get(foreign_key.parent)
            if parent_table is None:
                continue
            pairs = zip(foreign_key.columns, foreign_key.parent_columns, strict=True)
            for child_column, parent_column in pairs:
                if not _same_keys(table.column(child_column), parent_table.column(parent_column)):
                    continue
                child = ColumnName(table.name, child_column)
                parent = ColumnName(parent_table.name, parent_column)
                edges.setdefault(parent, [])
                out = edges.setdefault(child, [])
                if child != parent:  # a column that references itself says nothing
                    out.append(Edge(parent, foreign_key))
    return {column: tuple(out) for column, out in edges.items()}


def primary_uuid_columns(table: Table) -> tuple[Column, ...]:
    """Return the columns of the primary key that are uuid or of a domain over it."""
    if table.primary_key is None:
        return ()
    columns = (table.column(name) for name in table.primary_key.columns if name is not None)
    return tuple(column for column in columns if column.base_type == "uuid")


def _same_keys(child: Column, parent: Column) -> bool:
    """Tell whether a pair holds uuid keys; either may be of a domain over uuid."""
    return child.base_type == parent.base_type == "uuid"
