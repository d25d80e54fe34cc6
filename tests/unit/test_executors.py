"""Threads or processes: what is decided, and that the pool is what was decided."""

from __future__ import annotations

import os
import threading

import pytest

from uuidmig import executors
from uuidmig.executors import Kind, Pool, Work, choose_pool
from uuidmig.runtime import gil_is_enabled, usable_cores


@pytest.mark.parametrize(
    ("work", "workers", "gil", "kind"),
    [
        ("io", 4, True, "threads"),
        ("io", 4, False, "threads"),
        ("cpu", 4, True, "processes"),
        ("cpu", 4, False, "threads"),
        ("cpu", 1, True, "threads"),
    ],
)
def test_what_is_decided(
    work: Work, workers: int, gil: bool, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "gil_is_enabled", lambda: gil)
    pool = choose_pool(work, workers)
    assert (pool.kind, pool.workers) == (kind, workers)


def test_it_says_what_and_why() -> None:
    assert str(Pool("processes", 2, "the GIL is on")) == "2 processes: the GIL is on"
    assert str(Pool("processes", 1, "so")) == "1 process: so"
    assert str(Pool("threads", 1, "so")) == "1 thread: so"


def test_of_this_interpreter() -> None:
    pool = choose_pool("cpu")
    assert pool.workers == usable_cores()
    assert (pool.kind == "processes") == (gil_is_enabled() and pool.workers > 1)


def test_threads_are_of_this_process_and_have_the_name() -> None:
    with choose_pool("io", 2).open("copy") as pool:
        assert set(pool.map(_process, range(4))) == {os.getpid()}
        assert pool.submit(_thread).result().startswith("copy")


def test_processes_are_others_and_know_no_lock_of_ours() -> None:
    """They are not forked from here: a lock that a thread of ours holds would never be free."""
    with _HELD, Pool("processes", 2, "for the test").open() as pool:
        others = set(pool.map(_process, range(8)))
        assert os.getpid() not in others
        assert pool.submit(_lock_is_free).result(timeout=60)


_HELD = threading.Lock()


def _process(_: int) -> int:
    return os.getpid()


def _thread() -> str:
    return threading.current_thread().name


def _lock_is_free() -> bool:
    return _HELD.acquire(timeout=5)
