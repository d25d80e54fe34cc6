"""Catalog -> Plan: pure, no connection, the same input gives the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from uuidmig.catalog.model import Catalog, KeyCounts
from uuidmig.planner.closure import (
    find_closure,
    find_incoming,
    find_outside,
    find_outside_policies,
    is_unique_column,
)
from uuidmig.planner.dependents import find_dependents
from uuidmig.planner.domains import KeyGraph, read_graph
from uuidmig.planner.forecast import make_forecast
from uuidmig.planner.generators import find_generator
from uuidmig.planner.hazards import find_hazards
from uuidmig.planner.model import (
    ColumnName,
    KeyDomain,
    Plan,
    PlanOptions,
    StrategyOutlook,
    TimestampSource,
)
from uuidmig.planner.refusals import server_refusals
from uuidmig.planner.replication import find_publications
from uuidmig.planner.selection import choose_roots, select_roots
from uuidmig.planner.soft_references import usable_references
from uuidmig.planner.strategies import compare_strategies
from uuidmig.planner.time_sources import with_time_sources


def build_plan(
    catalog: Catalog,
    options: PlanOptions,
    counts: Mapping[ColumnName, KeyCounts],
    *,
    tool_version: str,
    now: datetime,
) -> Plan:
    """Return the plan. `counts` holds the key versions of `candidate_roots(catalog, options)`.

    What stands against the migration is in `Plan.refusals`, all of it. Raises ConfigurationError
    for options that do not fit the catalog, NothingToMigrate when no key is to be mapped.
    """
    graph = read_graph(catalog)
    roots = choose_roots(catalog, select_roots(catalog, graph, options), counts, options)
    untimed = _domains(catalog, graph, roots, counts)
    domains = with_time_sources(catalog, graph, untimed, options)
    soft = usable_references(catalog, graph, domains, options)
    closure = find_closure(catalog, graph, domains, soft)
    incoming = find_incoming(catalog, closure)
    children = {key.child for key in incoming}
    plan = Plan(
        tool_version=tool_version,
        server=catalog.server,
        options=options,
        domains=domains,
        tables=closure,
        outside_tables=find_outside(catalog, closure),
        incoming=incoming,
        partitioned_outside=tuple(
            table.name for table in catalog.tables if table.partitions and table.name in children
        ),
        outside_policies=find_outside_policies(catalog, closure),
        dependents=find_dependents(catalog, closure),
        forecast=make_forecast(closure),
        publications=find_publications(catalog, closure),
        created_at=now.astimezone(UTC).isoformat(),
    )
    plan = replace(plan, hazards=find_hazards(catalog, graph, plan))
    return replace(plan, strategies=_strategies(plan))


def _strategies(plan: Plan) -> tuple[StrategyOutlook, ...]:
    if plan.forecast is None:
        return ()
    return compare_strategies(
        plan.tables,
        plan.domains,
        plan.forecast,
        switched=sum(domain.generator.new_default is not None for domain in plan.domains),
        refusals=len(plan.refusals),
        server_refusals=sum(1 for _ in server_refusals(plan.server)),
    )


def _domains(
    catalog: Catalog,
    graph: KeyGraph,
    roots: tuple[ColumnName, ...],
    counts: Mapping[ColumnName, KeyCounts],
) -> tuple[KeyDomain, ...]:
    taken = set(roots)
    domains = []
    for number, root in enumerate(roots, start=1):
        # A column that follows two roots is refused; until then the first one has it.
        members = tuple(column for column in graph.columns_of(root) if column not in taken)
        taken.update(members)
        table = catalog.table(root.table)
        domains.append(
            KeyDomain(
                number=number,
                root=root,
                root_unique=is_unique_column(table, root.column),
                timestamp=TimestampSource("plan_time", "not chosen yet"),
                generator=find_generator(table.column(root.column), catalog.server.version),
                members=members,
                counts=counts.get(root),
            )
        )
    return tuple(domains)
