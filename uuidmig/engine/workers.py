"""Worker threads, each with its own connection, that end together.

One that fails stops the others after what they are doing. The first Ctrl-C lets each finish the
batch under way; the second cancels the queries.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass

from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.progress import Note, Observer, silent
from uuidmig.errors import Interrupted
from uuidmig.executors import choose_pool

Work = Callable[[Connection, threading.Event], None]
_STOP_POLL_SECONDS = 0.1  # a worker that failed tells the others by `stop` only


def run_workers(
    dsn: str, count: int, purpose: str, work: Work, observer: Observer = silent
) -> None:
    """Run `work(connection, stop)` in `count` threads until all return.

    `work` must look at `stop` between batches and return when it is set. Raises what the first
    failing worker raised, or Interrupted.
    """
    stop = threading.Event()
    connections = [connect(dsn, purpose) for _ in range(count)]
    try:
        with choose_pool("io", count).open(purpose) as pool:
            futures = [pool.submit(work, connection, stop) for connection in connections]
            _join(futures, connections, stop, observer)
    finally:
        for connection in connections:
            connection.close()


def _join(
    futures: list[Future[None]],
    connections: list[Connection],
    stop: threading.Event,
    observer: Observer,
) -> None:
    interrupted: KeyboardInterrupt | None = None
    while True:
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            stop.set()
            wait(futures)
            break
        except KeyboardInterrupt as interrupt:
            stop.set()
            if interrupted:
                for connection in connections:
                    connection.cancel_safe(timeout=5)
            else:
                observer.notify(
                    Note("ending after what is under way; again to cancel it", "warning")
                )
            interrupted = interrupt
    if interrupted:
        raise Interrupted from interrupted
    for future in futures:
        future.result()


def run_tasks[Task](
    dsn: str,
    count: int,
    purpose: str,
    tasks: Sequence[Task],
    work: Callable[[Connection, Task], Iterable[Task] | None],
    observer: Observer = silent,
    *,
    cost: Callable[[Task], float] = lambda task: 0,
) -> None:
    """Run `work(connection, task)` for every task in up to `count` threads.

    The most costly first, else in their order. What `work` returns are tasks that could not start
    before this one had ended; they are run too.
    """
    if tasks:
        queue = _TaskQueue(tasks, cost)

        def loop(connection: Connection, stop: threading.Event) -> None:
            while (task := queue.take(stop)) is not None:
                queue.done(work(connection, task.value) or ())

        run_workers(dsn, count, purpose, loop, observer)


@dataclass(frozen=True, slots=True)
class _Taken[Task]:
    value: Task


class _TaskQueue[Task]:
    """Tasks that bring about tasks: who finds none waits for those that are under way."""

    def __init__(
        self, tasks: Iterable[Task], cost: Callable[[Task], float] = lambda task: 0
    ) -> None:
        self._cost = cost
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, Task]] = []
        self._add(tasks)
        self._under_way = 0
        self._changed = threading.Condition()

    def take(self, stop: threading.Event) -> _Taken[Task] | None:
        """Return the next task, None when there will be none; call `done` after it."""
        with self._changed:
            while not self._waiting and self._under_way and not stop.is_set():
                self._changed.wait(_STOP_POLL_SECONDS)
            if not self._waiting or stop.is_set():
                return None
            self._under_way += 1
            return _Taken(heapq.heappop(self._waiting)[-1])

    def done(self, further: Iterable[Task]) -> None:
        """End a task that was taken; `further` may start now."""
        with self._changed:
            self._under_way -= 1
            self._add(further)
            self._changed.notify_all()

    def _add(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            heapq.heappush(self._waiting, (-self._cost(task), next(self._numbers), task))
