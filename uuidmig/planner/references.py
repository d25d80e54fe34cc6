"""Through which foreign key the value of a referencing column is resolved."""

from __future__ import annotations

from uuidmig.catalog.model import Table
from uuidmig.planner.domains import Edge, KeyGraph
from uuidmig.planner.model import ColumnName, KeyDomain, Reference


def find_references(
    table: Table, domains: tuple[KeyDomain, ...], graph: KeyGraph
) -> tuple[Reference, ...]:
    """Return one reference for each column of `table` that is a member of a domain."""
    return tuple(
        _reference(column.name, domain, _best_edge(name, domain, graph))
        for column in table.columns
        for name in [ColumnName(table.name, column.name)]
        for domain in domains
        if name in domain.members
    )


def _reference(column: str, domain: KeyDomain, edge: Edge) -> Reference:
    parent = edge.parent
    return Reference(column, domain.number, edge.foreign_key.name, parent.table, parent.column)


def _best_edge(name: ColumnName, domain: KeyDomain, graph: KeyGraph) -> Edge:
    """Return the foreign key to use: to the root, single-column, then by name.

    A root that is not unique alone needs all columns of a composite key, so there the way straight
    to the root comes first; elsewhere a single column is the cheaper join.
    """
    inside = [e for e in graph.edges[name] if domain.root in graph.roots[e.parent]]

    def preference(edge: Edge) -> tuple[bool, bool, bool, str]:
        composite = len(edge.foreign_key.columns) > 1
        detour = edge.parent != domain.root
        first, second = (composite, detour) if domain.root_unique else (detour, composite)
        return not edge.foreign_key.validated, first, second, edge.foreign_key.name

    return min(inside, key=preference)
