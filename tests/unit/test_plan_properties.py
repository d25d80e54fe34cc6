"""What holds for every schema: random foreign key graphs through the planner."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import (
    catalog,
    column,
    foreign_key,
    key,
    plan,
    primary,
    server,
    table,
    timestamp,
)
from uuidmig.catalog.model import Catalog, Table
from uuidmig.planner import plan_from_json, plan_hash, plan_to_json
from uuidmig.planner.domains import read_graph
from uuidmig.planner.graph import strong_components, targets_first
from uuidmig.planner.model import ColumnName, Plan

graphs = st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=4), min_size=1)


def closed(graph: dict[int, set[int]]) -> dict[int, set[int]]:
    return {**{node: set() for targets in graph.values() for node in targets}, **graph}


def reachable(graph: dict[int, set[int]], start: int) -> set[int]:
    seen: set[int] = set()
    todo = [start]
    while todo:
        for node in graph[todo.pop()] - seen:
            seen.add(node)
            todo.append(node)
    return seen


@given(graphs)
def test_strong_components_are_mutual_reachability(open_graph: dict[int, set[int]]) -> None:
    graph = closed(open_graph)
    reach = {node: reachable(graph, node) for node in graph}

    components = strong_components(graph)

    assert sorted(node for component in components for node in component) == sorted(graph)
    home = {node: i for i, component in enumerate(components) for node in component}
    for a in graph:
        for b in reach[a]:
            assert home[b] <= home[a]
            assert (home[a] == home[b]) == (a in reach[b] or a == b)


@given(graphs)
def test_targets_come_first_outside_cycles(open_graph: dict[int, set[int]]) -> None:
    graph = closed(open_graph)

    order = targets_first(graph)

    assert sorted(order) == sorted(graph)
    for node, targets in graph.items():
        for target in targets - {node}:
            if node not in reachable(graph, target):
                assert order.index(target) < order.index(node)


@st.composite
def schemas(draw: st.DrawFn, acyclic: bool = False) -> tuple[Table, ...]:
    """Tables t0, t1, ... whose references point at any table's `id`, at an earlier one's when
    acyclic. A primary key may be a reference itself; a column may follow two keys at once."""
    size = draw(st.integers(1, 7))
    tables = []
    for i in range(size):
        targets = st.integers(0, i - 1) if acyclic else st.integers(0, size - 1)
        parents = draw(st.lists(targets, max_size=3)) if i or not acyclic else []
        homes = [f"r{draw(st.integers(0, n))}" for n in range(len(parents))]
        references = [column(name, not_null=draw(st.booleans())) for name in sorted(set(homes))]
        keys = [
            foreign_key(f"t{parent}", home, name=f"t{i}_{home}_{n}")
            for n, (parent, home) in enumerate(zip(parents, homes, strict=True))
        ]
        if i and draw(st.booleans()):  # the primary key is a reference itself
            keys.append(foreign_key(f"t{draw(st.integers(0, i - 1))}", "id", name=f"t{i}_id"))
        times = [timestamp("created_at")] if draw(st.booleans()) else []
        tables.append(
            table(
                f"t{i}",
                key(),
                *references,
                *times,
                keys=tuple(keys),
                rows=float(draw(st.integers(-1, 1000))),
            )
        )
    return tuple(tables)


def members_of(result: Plan) -> list[ColumnName]:
    return [column for domain in result.domains for column in (domain.root, *domain.members)]


@given(schemas())
def test_every_key_column_belongs_to_one_domain_and_the_closure_lists_it(
    tables: tuple[Table, ...],
) -> None:
    result = plan(*tables)

    members = members_of(result)
    expected = {
        ColumnName(t.name, c.name) for t in tables for c in t.columns if c.base_type == "uuid"
    } & set(read_graph(catalog(*tables)).roots)
    assert sorted(members) == sorted(expected)
    listed = [
        ColumnName(entry.name, name)
        for entry in result.tables
        for name in [*(c for c, _ in entry.roots), *(r.column for r in entry.references)]
    ]
    assert sorted(listed) == sorted(members)


@given(schemas())
def test_a_reference_leads_into_its_own_domain(tables: tuple[Table, ...]) -> None:
    result = plan(*tables)

    for entry in result.tables:
        for reference in entry.references:
            domain = result.domain(reference.domain)
            parent = ColumnName(reference.parent, reference.parent_column)
            assert parent in (domain.root, *domain.members)


@given(schemas())
def test_borrowed_time_ends_at_a_timestamp(tables: tuple[Table, ...]) -> None:
    result = plan(*tables)

    for domain in result.domains:
        seen = set()
        while domain.timestamp.kind == "parent":
            assert domain.number not in seen
            seen.add(domain.number)
            references = result.table(domain.root.table).references
            (lender,) = (r.domain for r in references if r.column == domain.timestamp.column)
            domain = result.domain(lender)
        if seen:
            assert domain.timestamp.kind == "column"


@given(schemas(acyclic=True))
def test_parents_are_numbered_before_children(tables: tuple[Table, ...]) -> None:
    result = plan(*tables)

    assert [entry.number for entry in result.tables] == list(range(1, len(result.tables) + 1))
    for entry in result.tables:
        for reference in entry.references:
            assert result.table(reference.parent).number < entry.number


@given(schemas())
def test_plan_survives_json(tables: tuple[Table, ...]) -> None:
    result = plan(*tables)

    again = plan_from_json(plan_to_json(result))

    assert again == result
    assert again.created_at == result.created_at
    assert plan_hash(again) == plan_hash(result)


@given(schemas(), st.randoms())
def test_plan_does_not_depend_on_the_order_of_tables(
    tables: tuple[Table, ...], random: Random
) -> None:
    shuffled = list(tables)
    random.shuffle(shuffled)

    assert plan(*shuffled) == plan(*tables)


@given(schemas(), st.integers(0, 10**6))
def test_hash_does_not_depend_on_sizes(tables: tuple[Table, ...], size: int) -> None:
    grown = [
        replace(
            t,
            oid=size,
            rows=float(size),
            pages=size,
            heap_bytes=size,
            toast_bytes=size,
            index_bytes=size,
            indexes=tuple(replace(index, bytes=size) for index in t.indexes),
        )
        for t in tables
    ]

    assert plan_hash(plan(*grown)) == plan_hash(plan(*tables))


def shop(**changes: Any) -> tuple[Table, ...]:
    return (
        table("customers", key(), timestamp("created_at")),
        table(
            "orders",
            key(),
            column("customer_id"),
            keys=(foreign_key("customers", "customer_id"),),
            **changes,
        ),
    )


def test_hash_depends_on_structure_options_version_and_server() -> None:
    source = plan(*shop())
    others = [
        plan(*shop(options=("fillfactor=70",))),
        plan(*shop(indexes=(primary("id", tablespace="fast"),))),
        plan(*shop(), of=server(version=150018)),
        replace(source, tool_version="2.0"),
        replace(source, options=replace(source.options, grace=False)),
    ]

    assert len({plan_hash(result) for result in [source, *others]}) == 1 + len(others)


def test_hash_does_not_depend_on_the_day_or_the_counts() -> None:
    source = plan(*shop())
    later = replace(
        source,
        created_at="later",
        hazards=(),
        forecast=None,
        domains=tuple(replace(domain, counts=None) for domain in source.domains),
        server=replace(source.server, version=180007, user="other"),
    )

    assert plan_hash(later) == plan_hash(source)


def test_long_chains_do_not_exhaust_the_stack() -> None:
    first = table("t0", key(), timestamp("created_at"))
    rest = [table(f"t{i}", key(), keys=(foreign_key(f"t{i - 1}", "id"),)) for i in range(1, 1500)]
    roots = read_graph(Catalog(server(), (first, *rest))).roots

    assert len({found for found in roots.values()}) == 1
