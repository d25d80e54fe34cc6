"""The plan of the strategy default-only: which defaults change, and what is left as it is.

Nothing but the DEFAULT of key columns is touched, so hardly anything stands against it: what a
rewrite refuses (views, policies, partitions, …) does not matter here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from uuidmig.catalog.key_defaults import KeyDefault
from uuidmig.catalog.model import Catalog, KeyCounts, RelationName
from uuidmig.catalog.preflight import Preflight
from uuidmig.errors import NothingToMigrate
from uuidmig.planner.advice import generator_advice, server_advice
from uuidmig.planner.build import build_plan
from uuidmig.planner.closure import is_unique_column
from uuidmig.planner.domains import KeyGraph, read_graph
from uuidmig.planner.generators import classify, find_generator
from uuidmig.planner.graph import targets_first
from uuidmig.planner.model import (
    ColumnName,
    Hazard,
    KeyDomain,
    KeySwitch,
    Plan,
    PlanOptions,
    StrategyOutlook,
    TimestampSource,
)
from uuidmig.planner.refusals import server_refusals
from uuidmig.planner.replication import find_publications, find_replication
from uuidmig.planner.selection import select_roots
from uuidmig.planner.strategies import default_forecast, default_outlook

_NEEDED_ON_TABLES = ("OWNER", "USAGE")
_ANY_TO_LOCK = ("UPDATE", "DELETE", "TRUNCATE")  # one of them, for ACCESS EXCLUSIVE
_UNTIMED = TimestampSource("none", "present keys stay as they are")


def build_default_plan(
    catalog: Catalog,
    options: PlanOptions,
    counts: Mapping[ColumnName, KeyCounts],
    defaults: Sequence[KeyDefault],
    *,
    tool_version: str,
    now: datetime,
) -> Plan:
    """Return the plan that changes the uuid4 defaults among `defaults`: those of the selected root
    columns and of all that inherit them.

    Raises ConfigurationError for options that do not fit, NothingToMigrate when no default is a
    uuid4 generator; it names the columns whose keys are made elsewhere.
    """
    graph = read_graph(catalog)
    roots = select_roots(catalog, graph, options)
    switches = _switches(catalog, defaults)
    domains = _domains(catalog, graph, roots, counts)
    if not switches:
        raise NothingToMigrate(_nothing(domains))
    plan = Plan(
        tool_version=tool_version,
        server=catalog.server,
        options=options,
        domains=domains,
        tables=(),
        switches=switches,
        forecast=default_forecast(len(switches)),
        publications=find_publications(catalog, ()),
        created_at=now.astimezone(UTC).isoformat(),
    )
    plan = replace(plan, hazards=tuple(_hazards(plan, defaults)))
    return replace(plan, strategies=_strategies(catalog, plan, counts))


def _strategies(
    catalog: Catalog, plan: Plan, counts: Mapping[ColumnName, KeyCounts]
) -> tuple[StrategyOutlook, ...]:
    switched, refusals = len(plan.switches), len(plan.refusals)
    options = replace(plan.options, strategy="rewrite")
    try:
        rewrite = build_plan(
            catalog, options, counts, tool_version=plan.tool_version, now=datetime.now(UTC)
        )
    except NothingToMigrate:  # all present keys are version 7
        return (default_outlook((), switched=switched, refusals=refusals),)
    outlook = default_outlook(rewrite.tables, switched=switched, refusals=refusals)
    return (rewrite.strategies[0], outlook)


def switched_tables(plan: Plan) -> tuple[RelationName, ...]:
    """Return the tables whose defaults change, each once, in lock order."""
    return tuple(dict.fromkeys(switch.column.table for switch in plan.switches))


def what_matters(found: Preflight) -> Preflight:
    """Return the findings without those that stand against copies only.

    Changing a default takes the owner's rights, one that LOCK TABLE asks for, and a place for the
    journal. No row is written, so no replication slot has anything to hold back; publications go on
    naming the same tables.
    """
    lockless = Counter(r.object for r in found.missing_rights if r.privilege in _ANY_TO_LOCK)
    rights = tuple(
        right
        for right in found.missing_rights
        if (right.privilege in _NEEDED_ON_TABLES and not right.object.startswith("publication "))
        or (right.privilege == "CREATE" and right.object.startswith("database "))
        or (right.privilege == "UPDATE" and lockless[right.object] == len(_ANY_TO_LOCK))
    )
    return replace(found, missing_rights=rights, replication_slots=())


def _switches(catalog: Catalog, defaults: Sequence[KeyDefault]) -> tuple[KeySwitch, ...]:
    found = []
    for default in defaults:
        generator = classify(default.effective, catalog.server.version)
        if default.kind != "f" and generator.new_default:
            column = ColumnName(default.relation, default.column)
            found.append(KeySwitch(column, default.default, generator.new_default))
    order = {name: place for place, name in enumerate(_parents_first(catalog, defaults))}
    return tuple(sorted(found, key=lambda switch: order[switch.column.table]))


def _parents_first(catalog: Catalog, defaults: Sequence[KeyDefault]) -> Sequence[RelationName]:
    """As applications lock: referenced tables before referencing ones, partitions last."""
    keys = {table.name: {key.parent for key in table.foreign_keys} for table in catalog.tables}
    graph = {default.relation: set(keys.get(default.relation, ())) for default in defaults}
    for default in defaults:
        if default.parent is not None:
            graph[default.relation].add(default.parent)
    return targets_first({name: targets & graph.keys() for name, targets in graph.items()})


def _domains(
    catalog: Catalog,
    graph: KeyGraph,
    roots: Sequence[ColumnName],
    counts: Mapping[ColumnName, KeyCounts],
) -> tuple[KeyDomain, ...]:
    """Return the domains that get version 4 keys, or may: not those that make version 7 already."""
    domains = [
        KeyDomain(
            number=number,
            root=root,
            root_unique=is_unique_column(table := catalog.table(root.table), root.column),
            timestamp=_UNTIMED,
            generator=find_generator(table.column(root.column), catalog.server.version),
            members=tuple(column for column in graph.columns_of(root) if column != root),
            counts=counts.get(root),
        )
        for number, root in enumerate(roots, start=1)
    ]
    return tuple(domain for domain in domains if domain.generator.kind != "server_v7")


def _nothing(domains: Sequence[KeyDomain]) -> str:
    elsewhere = [str(domain.root) for domain in domains if domain.generator.kind != "server"]
    told = "no default of a key column is a uuid4 generator: there is nothing to change"
    if not elsewhere:
        return f"{told}; new keys are version 7 already (uuidmig inspect shows all versions)"
    return (
        f"{told} in the database. The application, or a default that is not known, makes the keys "
        f"of {', '.join(elsewhere)}: they have to be changed there"
    )


def _partition_columns(defaults: Sequence[KeyDefault]) -> set[ColumnName]:
    """Rows come into partitions by way of their parent, and with its default."""
    partitioned = {default.relation for default in defaults if default.kind == "p"}
    return {
        ColumnName(default.relation, default.column)
        for default in defaults
        if default.parent in partitioned
    }


def _hazards(plan: Plan, defaults: Sequence[KeyDefault]) -> Iterator[Hazard]:
    yield from server_refusals(plan.server)
    yield from server_advice(plan.server)
    yield from find_replication(plan)
    partitions = _partition_columns(defaults)
    for domain in plan.domains:
        if domain.root not in partitions:
            yield from generator_advice(domain)
    for default in defaults:
        if default.kind == "f" and classify(default.effective, plan.server.version).new_default:
            yield Hazard(
                "warning",
                "foreign-table-default",
                f"{default.relation}.{default.column}",
                "a foreign table keeps its own default; rows that come by way of its parent get "
                "version 7 keys",
                "ALTER FOREIGN TABLE ... SET DEFAULT, if rows are inserted into it directly",
            )
    for switch in plan.switches:
        if switch.old_default is None:
            yield Hazard(
                "warning",
                "domain-default",
                str(switch.column),
                "version 4 keys come from the default of its domain, which stays as it is; the"
                f" column gets a default of its own: {switch.new_default}",
                "ALTER DOMAIN ... SET DEFAULT once no table needs version 4 keys",
            )
    yield Hazard(
        "note",
        "creation-time-visible",
        plan.server.database,
        "a version 7 key shows when its row was made, to everybody who sees the key",
        "leave tables out whose ids strangers see and whose age is a secret",
    )
    yield Hazard(
        "warning",
        "mixed-keys",
        plan.server.database,
        "new keys land in the middle of the random ones: their index pages stay about half full "
        "for good, until the old keys are rewritten",
        "see the strategies above; `uuidmig migrate` can rewrite the old keys later",
    )
