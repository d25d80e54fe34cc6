from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import SimpleQueue
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import uuidmig
from uuidmig.keys import generate
from uuidmig.keys.decode import key_time
from uuidmig.keys.generate import OwnGenerator, uuid7, uuid7_at


@pytest.fixture(params=["in use", "own"])
def make(request: pytest.FixtureRequest) -> Callable[[], UUID]:
    return uuid7 if request.param == "in use" else OwnGenerator()


def test_version_7_of_now(make: Callable[[], UUID]) -> None:
    before = datetime.now(UTC)
    key = make()

    made = key_time(key)
    assert (key.version, key.variant) == (7, uuid.RFC_4122)
    assert made is not None
    assert abs(made - before) < timedelta(seconds=1)


def test_a_key_is_a_uuid_like_any_other() -> None:
    key = OwnGenerator()()

    assert key == UUID(str(key))
    assert (repr(key), key.is_safe) == (repr(UUID(str(key))), UUID(str(key)).is_safe)
    assert pickle.loads(pickle.dumps(key)) == key


def test_keys_of_8_threads_rise_in_each_and_never_repeat(make: Callable[[], UUID]) -> None:
    batches: list[list[UUID]] = []

    def work() -> None:
        batches.append([make() for _ in range(5000)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(batch == sorted(batch) for batch in batches)
    assert len({key for batch in batches for key in batch}) == 40_000


@given(st.lists(st.integers(0, 2**41 * 1_000_000), min_size=1, max_size=40))
def test_keys_rise_however_the_clock_steps(times: list[int]) -> None:
    make, clock = OwnGenerator(), iter(times)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: next(clock))
        keys = [make() for _ in times]

    assert keys == sorted(set(keys))
    furthest = max(times) // 1_000_000
    assert (keys[-1].int >> 80) - furthest <= 1  # milliseconds: it counts on, it does not run away


def _send_keys(queue: SimpleQueue[list[UUID]], make: Callable[[], UUID]) -> None:
    queue.put([make() for _ in range(2000)])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_processes_never_share_a_key() -> None:
    context = multiprocessing.get_context("fork")
    queue: SimpleQueue[list[UUID]] = context.SimpleQueue()
    uuid7()  # random bits are in stock: the children must not use the same
    children = [context.Process(target=_send_keys, args=(queue, uuid7)) for _ in range(4)]
    for child in children:
        child.start()
    keys = [key for _ in children for key in queue.get()]
    for child in children:
        child.join(10)

    keys += [uuid7() for _ in range(2000)]
    assert len({key.int & (1 << 62) - 1 for key in keys}) == 10_000


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_forked_while_another_thread_holds_the_lock_makes_keys() -> None:
    own = OwnGenerator()
    os.register_at_fork(after_in_child=own.start_anew)
    context = multiprocessing.get_context("fork")
    queue: SimpleQueue[list[UUID]] = context.SimpleQueue()
    with own._lock:
        child = context.Process(target=_send_keys, args=(queue, own))
        child.start()
    keys = queue.get()
    child.join(10)

    assert child.exitcode == 0
    assert own() not in keys


def test_uuid7_at_says_its_time() -> None:
    made = datetime(2001, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)

    assert key_time(uuid7_at(made)) == made
    assert uuid7_at(made) != uuid7_at(made)
    assert uuid7_at(made).variant == uuid.RFC_4122


def test_public_names() -> None:
    assert (uuidmig.uuid7, uuidmig.uuid7_at) == (uuid7, uuid7_at)
    assert pickle.loads(pickle.dumps(uuid7)) is uuid7


class Broken:
    """What calls itself uuid_utils.compat and makes something else."""

    @staticmethod
    def uuid7() -> UUID:
        return uuid.uuid4()


def test_what_makes_no_version_7_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(os)("uuid_utils")
    module.compat = Broken  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "uuid_utils", module)

    name, make = generate._generator()

    assert name == "uuidmig"
    assert make().version == 7


@pytest.mark.parametrize("key", [UUID(int=0), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")])
def test_time_of_a_key_that_has_none(key: UUID) -> None:
    assert key_time(key) is None
