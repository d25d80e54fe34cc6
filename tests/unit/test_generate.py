from __future__ import annotations

import multiprocessing
import threading
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import SimpleQueue
from uuid import UUID

import pytest

from uuidmig.keys.decode import key_time
from uuidmig.keys.generate import _clock, uuid7, uuid7_at


def test_uuid7_is_version_7_of_now() -> None:
    before = datetime.now(UTC)
    key = uuid7()

    made = key_time(key)
    assert key.version == 7
    assert made is not None
    assert abs(made - before) < timedelta(seconds=1)


def test_keys_of_many_threads_rise_in_each_and_never_repeat() -> None:
    batches: list[list[UUID]] = []

    def work() -> None:
        batches.append([uuid7() for _ in range(5000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(batch == sorted(batch) for batch in batches)
    assert len({key.bytes[:8] for batch in batches for key in batch}) == 20_000


def test_clock_that_steps_back_does_not_unsort_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    first = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    keys = [uuid7() for _ in range(100)]

    assert [first, *keys] == sorted([first, *keys])
    last, start = (int.from_bytes(key.bytes[:6]) for key in (keys[-1], first))
    assert last - start <= 1  # milliseconds: it counts on, it does not run away


def _send_key(queue: SimpleQueue[UUID]) -> None:
    queue.put(uuid7())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_child_forked_while_another_thread_holds_the_lock_makes_keys() -> None:
    context = multiprocessing.get_context("fork")
    queue: SimpleQueue[UUID] = context.SimpleQueue()
    with _clock._lock:
        child = context.Process(target=_send_key, args=(queue,))
        child.start()
    child.join(10)
    hung = child.is_alive()
    child.kill()

    assert not hung
    assert queue.get() != uuid7()


def test_uuid7_at_says_its_time() -> None:
    made = datetime(2001, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)

    assert key_time(uuid7_at(made)) == made
    assert uuid7_at(made) != uuid7_at(made)


@pytest.mark.parametrize("key", [UUID(int=0), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")])
def test_time_of_a_key_that_has_none(key: UUID) -> None:
    assert key_time(key) is None
