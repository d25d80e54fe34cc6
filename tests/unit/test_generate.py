from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import SimpleQueue
from types import FrameType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import uuidmig
from benchmarks.generators.order import Order, check_order
from uuidmig.keys import generate
from uuidmig.keys.decode import key_time
from uuidmig.keys.generate import OwnGenerator, uuid7, uuid7_at


@pytest.fixture(params=["in use", "own"])
def make(request: pytest.FixtureRequest) -> Callable[[], UUID]:
    if request.param == "in use":
        return uuid7
    own = OwnGenerator()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=own.start_anew)
    return own


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


def test_keys_are_in_order_over_8_threads(make: Callable[[], UUID]) -> None:
    assert check_order(make, 200_000) == Order(200_000, behind=0, repeated=0)


def test_keys_are_in_order_over_8_threads_on_a_clock_that_jumps() -> None:
    now = time.time_ns()
    jumps = itertools.cycle([now, now - 3_600_000_000_000, now + 1_000_000, now - 5_000_000])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: next(jumps))
        order = check_order(OwnGenerator(), 40_000)

    assert order == Order(40_000, behind=0, repeated=0)


def _let_others_run_after_each_line(frame: FrameType, event: str, _: Any) -> Any:
    if frame.f_code is not OwnGenerator.__call__.__code__:
        return None
    if event == "line":
        time.sleep(0)
    return _let_others_run_after_each_line


def test_keys_are_in_order_wherever_threads_take_turns() -> None:
    """With the GIL, CPython happens not to switch between these lines: without it, it may."""
    before = threading.gettrace()
    threading.settrace(_let_others_run_after_each_line)
    try:
        order = check_order(OwnGenerator(), 2000)
    finally:
        threading.settrace(before)

    assert order == Order(2000, behind=0, repeated=0)


def test_key_of_the_moment_of_the_example_in_rfc_9562() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: 1_645_557_742_000_500_000)
        live = OwnGenerator()()
    given = uuid7_at(datetime(2022, 2, 22, 19, 22, 22, 500, tzinfo=UTC))

    # Appendix A.6 is 017F22E2-79B0-7CC3-98C4-…; half a millisecond later rand_a is 0x800 of 0x1000.
    assert str(live)[:18] == str(given)[:18] == "017f22e2-79b0-7800"


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
def test_forked_processes_never_share_a_key(make: Callable[[], UUID]) -> None:
    context = multiprocessing.get_context("fork")
    queue: SimpleQueue[list[UUID]] = context.SimpleQueue()
    last = make()  # random bits are in stock: the children must not use the same
    children = [context.Process(target=_send_keys, args=(queue, make)) for _ in range(4)]
    for child in children:
        child.start()
    batches = [queue.get() for _ in children]
    for child in children:
        child.join(10)

    batches.append([make() for _ in range(2000)])
    assert all(last < batch[0] and batch == sorted(batch) for batch in batches)
    assert len({key.int & (1 << 62) - 1 for batch in batches for key in batch}) == 10_000


def test_separate_processes_never_share_a_key() -> None:
    code = """
from uuidmig.keys.generate import OwnGenerator, uuid7
own = OwnGenerator()
print(*(make() for make in (uuid7, own) for _ in range(2000)))
"""
    command = [sys.executable, "-c", code]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = [UUID(key) for process in started for key in process.communicate()[0].split()]

    assert len({key.int & (1 << 62) - 1 for key in keys}) == 16_000


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
