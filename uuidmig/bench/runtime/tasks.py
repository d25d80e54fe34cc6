"""asyncio: switching between tasks, gathering them, queues, and psycopg's queries in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any

import psycopg

from uuidmig.bench.runtime.model import Case, Lacking, Open, Operation

SWITCHES = 500
TASKS = 200
ITEMS = 500
CONNECTIONS = 4
QUERIES = 10  # of each connection

_GROUP = "asyncio"
_ROUND_TRIP = "SELECT %s::int"

Work = Callable[[], Coroutine[Any, Any, int]]


def cases(dsn: str | None) -> Iterator[Case]:
    """Yield them all; queries need the connection string of a server."""
    for name, params, work, total in (
        ("switch", {"times": SWITCHES}, _switch, SWITCHES),
        ("gather", {"tasks": TASKS}, _gather, TASKS),
        ("queue", {"items": ITEMS}, _queue, sum(range(ITEMS))),
    ):
        yield Case(_GROUP, name, params, _in_loop(work), total.__eq__)
    params = {"connections": CONNECTIONS, "each": QUERIES}
    opened = partial(_queries, dsn)
    yield Case(_GROUP, "queries", params, opened, (CONNECTIONS * sum(range(QUERIES))).__eq__)


async def _switch() -> int:
    """Two tasks that give way to each other."""
    counts = await asyncio.gather(*(_give_way(SWITCHES // 2) for _ in range(2)))
    return sum(counts)


async def _give_way(times: int) -> int:
    for _ in range(times):
        await asyncio.sleep(0)
    return times


async def _gather() -> int:
    return sum(await asyncio.gather(*(_give_way(1) for _ in range(TASKS))))


async def _queue() -> int:
    """One task that puts, one that takes, with room for some in between."""
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=64)

    async def put_all() -> None:
        for item in range(ITEMS):
            await queue.put(item)

    async def take_all() -> int:
        return sum([await queue.get() for _ in range(ITEMS)])

    _, total = await asyncio.gather(put_all(), take_all())
    return total


def _in_loop(work: Work) -> Open:
    @contextmanager
    def opened() -> Iterator[Operation]:
        with asyncio.Runner() as runner:
            yield lambda: runner.run(work())

    return opened


@contextmanager
def _queries(dsn: str | None) -> Iterator[Operation]:
    if dsn is None:
        raise Lacking("no server was given (--dsn, --server)")
    # psycopg does not work with the loop that is Windows' default.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        stack = AsyncExitStack()
        connections = runner.run(_connect(stack, dsn))
        try:
            yield lambda: runner.run(_ask_all(connections))
        finally:
            runner.run(stack.aclose())


async def _connect(stack: AsyncExitStack, dsn: str) -> list[psycopg.AsyncConnection[Any]]:
    return [
        await stack.enter_async_context(await psycopg.AsyncConnection.connect(dsn, autocommit=True))
        for _ in range(CONNECTIONS)
    ]


async def _ask_all(connections: list[psycopg.AsyncConnection[Any]]) -> int:
    return sum(await asyncio.gather(*map(_ask, connections)))


async def _ask(connection: psycopg.AsyncConnection[Any]) -> int:
    total = 0
    for number in range(QUERIES):
        row = await (await connection.execute(_ROUND_TRIP, [number])).fetchone()
        total += row[0] if row else 0
    return total
