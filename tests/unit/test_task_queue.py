"""The queue of tasks that bring about tasks: who gets which, and who waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import pytest

from uuidmig.engine.workers import _TaskQueue

PATIENCE_SECONDS = 60.0
WHILE_SECONDS = 0.3  # longer than a waiting worker looks away


@dataclass(frozen=True, slots=True)
class Workers:
    """Threads that take tasks."""

    pool: ThreadPoolExecutor
    stop: threading.Event = field(default_factory=threading.Event)

    def waiting(self, queue: _TaskQueue[str]) -> Future[str | None]:
        """Return what a worker will get that found nothing and waits."""
        taken = self.pool.submit(take, queue, self.stop)
        assert is_waiting(taken)
        return taken


@pytest.fixture
def workers() -> Iterator[Workers]:
    with ThreadPoolExecutor() as pool:
        opened = Workers(pool)
        yield opened
        opened.stop.set()  # where a test failed some wait still


def take(queue: _TaskQueue[str], stop: threading.Event | None = None) -> str | None:
    taken = queue.take(stop or threading.Event())
    return None if taken is None else taken.value


def is_waiting(taken: Future[str | None]) -> bool:
    return not wait([taken], timeout=WHILE_SECONDS).done


def test_tasks_come_in_their_order_then_none() -> None:
    queue = _TaskQueue(["a", "b"])
    taken = []
    while (task := take(queue)) is not None:
        taken.append(task)
        queue.done([])
    assert taken == ["a", "b"]


def test_the_most_costly_comes_first_follow_ups_too() -> None:
    queue = _TaskQueue(["a", "bbb", "b"], cost=len)
    assert take(queue) == "bbb"
    queue.done(iter(["cc", "c", "dddd"]))
    assert [take(queue) for _ in range(5)] == ["dddd", "cc", "a", "b", "c"]


def test_who_finds_none_waits_for_what_the_others_bring(workers: Workers) -> None:
    queue = _TaskQueue(["a"])
    take(queue)
    takers = [workers.waiting(queue), workers.waiting(queue)]
    queue.done(["a1", "a2"])
    assert {taker.result(PATIENCE_SECONDS) for taker in takers} == {"a1", "a2"}


def test_who_waits_gets_none_when_the_last_is_done(workers: Workers) -> None:
    queue = _TaskQueue(["a", "b"])
    take(queue)
    take(queue)
    taker = workers.waiting(queue)
    queue.done([])
    assert is_waiting(taker)
    queue.done([])
    assert taker.result(PATIENCE_SECONDS) is None


def test_stop_ends_waiting(workers: Workers) -> None:
    queue = _TaskQueue(["a"])
    take(queue)
    taker = workers.waiting(queue)
    workers.stop.set()
    assert taker.result(PATIENCE_SECONDS) is None


def test_after_stop_no_task_is_given(workers: Workers) -> None:
    workers.stop.set()
    assert take(_TaskQueue(["a"]), workers.stop) is None
