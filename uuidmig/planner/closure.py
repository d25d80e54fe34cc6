"""The tables to rewrite, in their order, with what tells rows apart and the names of the copies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from uuidmig.catalog.model import Catalog, ForeignKey, Index, Policy, RelationName, Table
from uuidmig.planner.domains import KeyGraph
from uuidmig.planner.graph import targets_first
from uuidmig.planner.model import ClosureTable, KeyDomain, Reference
from uuidmig.planner.references import find_references

_NAME_BYTES = 63  # NAMEDATALEN - 1


def find_closure(
    catalog: Catalog,
    graph: KeyGraph,
    domains: tuple[KeyDomain, ...],
    soft: Mapping[RelationName, tuple[Reference, ...]],
) -> tuple[ClosureTable, ...]:
    """Return all tables that hold a column of the domains, parents first, numbered from 1.

    `soft` are the declared references without a foreign key, by the table that holds them.
    """
    names = {column.table for domain in domains for column in (domain.root, *domain.members)}
    names |= soft.keys()
    tables = {table.name: table for table in catalog.tables if table.name in names}
    parents = {
        name: {
            *(key.parent for key in table.foreign_keys if key.parent in tables),
            *(reference.parent for reference in soft.get(name, ())),
        }
        for name, table in tables.items()
    }
    ordered = [tables[name] for name in targets_first(parents)]
    return tuple(
        _closure_table(number, table, domains, graph, soft.get(table.name, ()))
        for number, table in enumerate(ordered, start=1)
    )


def _closure_table(
    number: int,
    table: Table,
    domains: tuple[KeyDomain, ...],
    graph: KeyGraph,
    soft: tuple[Reference, ...],
) -> ClosureTable:
    return ClosureTable(
        number=number,
        table=table,
        shadow=_beside(table.name, "__uuid7"),
        retired=_beside(table.name, "__uuid4"),
        identity=find_identity(table),
        roots=tuple(
            (column.name, domain.number)
            for column in table.columns
            for domain in domains
            if domain.root.table == table.name and domain.root.column == column.name
        ),
        references=(*find_references(table, domains, graph), *soft),
    )


def find_identity(table: Table) -> tuple[str, ...]:
    """Return the columns that tell rows apart: primary key, else a unique key that no NULL and no
    condition weakens; empty when there is none."""
    if table.primary_key is not None:
        return _plain_columns(table.primary_key)
    keys = [
        index
        for index in table.indexes
        if is_plain_unique(index) and index.immediate and _all_not_null(table, index)
    ]
    best = min(keys, key=lambda index: (len(index.columns), index.name), default=None)
    return _plain_columns(best) if best is not None else ()


def is_plain_unique(index: Index) -> bool:
    """Tell whether the index makes its columns unique in all rows."""
    return index.unique and index.valid and not index.partial and None not in index.columns


def is_unique_column(table: Table, column: str) -> bool:
    """Tell whether a column is unique by itself."""
    return any(is_plain_unique(index) and index.columns == (column,) for index in table.indexes)


def _all_not_null(table: Table, index: Index) -> bool:
    return all(table.column(name).not_null for name in _plain_columns(index))


def _plain_columns(index: Index) -> tuple[str, ...]:
    return tuple(name for name in index.columns if name is not None)


def _beside(name: RelationName, suffix: str) -> RelationName:
    return RelationName(neighbour_schema(name.schema, suffix), name.name)


def neighbour_schema(schema: str, suffix: str) -> str:
    """Return `schema` plus `suffix`, cut to what PostgreSQL takes.

    What is cut is replaced by a hash of the whole, so two long names stay two.
    """
    if len((schema + suffix).encode()) <= _NAME_BYTES:
        return schema + suffix
    digest = "_" + hashlib.sha256(schema.encode()).hexdigest()[:8]
    room = _NAME_BYTES - len(digest + suffix)
    return schema.encode()[:room].decode(errors="ignore") + digest + suffix


def with_partitions(table: Table) -> tuple[Table, ...]:
    """Return the table and its partitions, each before its own partitions."""
    return (table, *table.partitions)


def find_outside(catalog: Catalog, closure: Sequence[ClosureTable]) -> tuple[Table, ...]:
    """Return the tables that closure tables reference and that stay as they are, by name."""
    inside = {table.name for table in closure}
    wanted = {key.parent for table in closure for key in table.table.foreign_keys} - inside
    return tuple(sorted((t for t in catalog.tables if t.name in wanted), key=lambda t: t.name))


def find_incoming(catalog: Catalog, closure: Sequence[ClosureTable]) -> tuple[ForeignKey, ...]:
    """Return the foreign keys of outside tables that reference closure tables, by name."""
    inside = {table.name for table in closure}
    keys = (
        key
        for table in catalog.tables
        if table.name not in inside
        for key in table.foreign_keys
        if key.parent in inside
    )
    return tuple(sorted(keys, key=lambda key: (key.child, key.name)))


def find_outside_policies(catalog: Catalog, closure: Sequence[ClosureTable]) -> tuple[Policy, ...]:
    """Return the policies of outside tables whose expressions read closure tables, by name.

    On both sides partitions are tables too.
    """
    inside = {part.name for table in closure for part in with_partitions(table.table)}
    policies = (
        policy
        for table in catalog.tables
        for part in with_partitions(table)
        if part.name not in inside
        for policy in part.policies
        if inside.intersection(policy.reads)
    )
    return tuple(sorted(policies, key=lambda policy: (policy.relation, policy.name)))
