"""Two graph algorithms over sortable nodes; same graph, same answer, whatever the input order."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol


class Sortable(Protocol):
    """What has an order and can be a dict key."""

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


def strong_components[N: Sortable](graph: Mapping[N, Collection[N]]) -> tuple[tuple[N, ...], ...]:
    """Return the strongly connected components, those that are pointed at first (Tarjan 1972).

    `graph` maps every node to the nodes it points at. Nodes of a component come sorted. Iterative:
    chains of references can be longer than Python's stack.
    """
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    open_nodes: dict[N, None] = {}  # Tarjan's stack, with look-up
    found: list[tuple[N, ...]] = []
    for start in sorted(graph):
        if start in index:
            continue
        walk: list[tuple[N, Iterator[N]]] = []
        _enter(start, graph, index, low, open_nodes, walk)
        while walk:
            node, targets = walk[-1]
            target = next(targets, None)
            if target is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(_close(node, open_nodes))
            elif target not in index:
                _enter(target, graph, index, low, open_nodes, walk)
            elif target in open_nodes:
                low[node] = min(low[node], index[target])
    return tuple(found)


def _enter[N: Sortable](
    node: N,
    graph: Mapping[N, Collection[N]],
    index: dict[N, int],
    low: dict[N, int],
    open_nodes: dict[N, None],
    walk: list[tuple[N, Iterator[N]]],
) -> None:
    index[node] = low[node] = len(index)
    open_nodes[node] = None
    walk.append((node, iter(sorted(graph[node]))))


def _close[N: Sortable](node: N, open_nodes: dict[N, None]) -> tuple[N, ...]:
    members: list[N] = []
    while not members or members[-1] is not node:
        members.append(open_nodes.popitem()[0])
    return tuple(sorted(members))


def targets_first[N: Sortable](graph: Mapping[N, Collection[N]]) -> tuple[N, ...]:
    """Return the nodes so that each comes after those it points at, ties in sorted order.

    Nodes of one cycle come together, sorted.
    """
    components = strong_components(graph)
    number = {node: i for i, component in enumerate(components) for node in component}
    waits_for = [
        {number[target] for node in component for target in graph[node]} - {i}
        for i, component in enumerate(components)
    ]
    waiting: dict[int, list[int]] = {}
    for i, targets in enumerate(waits_for):
        for target in targets:
            waiting.setdefault(target, []).append(i)
    ready = [(component, i) for i, component in enumerate(components) if not waits_for[i]]
    heapq.heapify(ready)
    order: list[N] = []
    while ready:
        component, i = heapq.heappop(ready)
        order.extend(component)
        for waiter in waiting.get(i, ()):
            waits_for[waiter].discard(i)
            if not waits_for[waiter]:
                heapq.heappush(ready, (components[waiter], waiter))
    return tuple(order)
