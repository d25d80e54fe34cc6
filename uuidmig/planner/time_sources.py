"""What gives the keys of each chosen root their time: a column, a parent, or plan time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from uuidmig.catalog.model import Catalog, RelationName, Table
from uuidmig.errors import ConfigurationError
from uuidmig.planner.domains import KeyGraph
from uuidmig.planner.model import KeyDomain, PlanOptions, TimestampSource
from uuidmig.planner.references import find_references
from uuidmig.planner.selection import find_table
from uuidmig.planner.timestamps import find_own_timestamp, own_timestamp, usable_type


def with_time_sources(
    catalog: Catalog, graph: KeyGraph, domains: Sequence[KeyDomain], options: PlanOptions
) -> tuple[KeyDomain, ...]:
    """Return the domains with their timestamp sources chosen.

    Raises ConfigurationError for an override that cannot be used.
    """
    overrides = _overrides(catalog, domains, options)
    sources: dict[int, TimestampSource] = {}
    for domain in domains:
        table = catalog.table(domain.root.table)
        source = overrides.get(table.name) or _own(domain, table, options)
        if source is not None:
            sources[domain.number] = source
    _borrow(catalog, graph, tuple(domains), sources)
    none = TimestampSource("plan_time", "no usable timestamp of its own and no parent has one")
    return tuple(replace(d, timestamp=sources.get(d.number, none)) for d in domains)


def _own(domain: KeyDomain, table: Table, options: PlanOptions) -> TimestampSource | None:
    if not domain.root_unique and domain.generator.kind == "application":
        # Perhaps an id from elsewhere (a tenant, a product) that many rows share: what is equal
        # must stay equal, so its new value may depend on nothing but the old one.
        reason = "the column is not unique by itself: rows with equal keys must keep equal keys"
        return TimestampSource("plan_time", reason)
    return find_own_timestamp(table, options.time_zone)


def _borrow(
    catalog: Catalog,
    graph: KeyGraph,
    domains: tuple[KeyDomain, ...],
    sources: dict[int, TimestampSource],
) -> None:
    """Fill in the parents, round by round: a parent lends only what an earlier round gave it,
    so no cycle can form, and the shortest chain to a timestamp wins."""
    while True:
        lenders = {number for number, source in sources.items() if source.kind != "plan_time"}
        found = {
            domain.number: source
            for domain in domains
            if domain.number not in sources
            and (source := _parent(catalog.table(domain.root.table), domains, graph, lenders))
        }
        if not found:
            return
        sources.update(found)


def _parent(
    table: Table, domains: tuple[KeyDomain, ...], graph: KeyGraph, lenders: set[int]
) -> TimestampSource | None:
    for reference in find_references(table, domains, graph):
        key = next(key for key in table.foreign_keys if key.name == reference.foreign_key)
        sure = all(table.column(column).not_null for column in key.columns)
        if reference.domain in lenders and sure and key.validated:
            reason = (
                f"no usable timestamp of its own; {reference.column} is NOT NULL and references "
                f"{reference.parent}, whose key lends its time"
            )
            return TimestampSource(
                "parent", reason, reference.column, foreign_key=reference.foreign_key
            )
    return None


def _overrides(
    catalog: Catalog, domains: Sequence[KeyDomain], options: PlanOptions
) -> Mapping[RelationName, TimestampSource]:
    roots = {domain.root.table for domain in domains}
    found = {}
    for text, column in options.timestamps:
        table = find_table(catalog, text, options.schemas)
        if table.name not in roots:
            raise ConfigurationError(
                f"timestamp {text}.{column}: table {table.name} has no key of its own in this "
                "migration, its keys follow those it references"
            )
        found[table.name] = _override(table, column, options.time_zone)
    return found


def _override(table: Table, name: str, time_zone: str) -> TimestampSource:
    usable = [column for column in table.columns if usable_type(column)]
    for column in usable:
        if column.name == name:
            return own_timestamp(column, time_zone, "chosen by the user")
    names = ", ".join(column.name for column in usable) or "none"
    raise ConfigurationError(
        f'"{name}" is no timestamp column of {table.name} (stored, of type timestamptz, timestamp '
        f"or date); it has: {names}"
    )
