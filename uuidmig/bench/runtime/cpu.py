"""CPU-bound Python code: the same keys derived one after the other, by threads, by processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

from uuidmig.bench.runtime.model import Case, Operation, plainly
from uuidmig.executors import Kind, Pool
from uuidmig.keys.mapping import EPOCH, new_key

PIECES = 8
KEYS_A_PIECE = 250
WORKERS = (2, 4, 8)

_GROUP = f"{PIECES * KEYS_A_PIECE} keys derived from old ones"
_FIRST = EPOCH + timedelta(days=20_000)
_LAST = _FIRST + timedelta(days=1)
_START_SECONDS = 60.0


def cases() -> Iterator[Case]:
    """Yield the same work by one thread, and by pools of both kinds and several sizes."""
    expected = _serial()
    right = expected.__eq__
    yield Case(_GROUP, "derive", {"by": "one thread"}, plainly(_serial), right)
    for kind in ("threads", "processes"):
        for workers in WORKERS:
            opened = partial(_pooled, kind, workers)
            yield Case(_GROUP, "derive", {"by": f"{workers} {kind}"}, opened, right)


def derive(seed: int) -> int:
    """Return a sum over the new keys of one piece; processes find this function by its name."""
    random = Random(seed)
    total = 0
    for number in range(KEYS_A_PIECE):
        old = UUID(int=random.getrandbits(128), version=4)
        made = _FIRST + timedelta(milliseconds=number)
        total ^= new_key(old, made, plan_time=_LAST, horizon=_LAST).int
    return total


def _serial() -> list[int]:
    return [derive(seed) for seed in range(PIECES)]


@contextmanager
def _pooled(kind: Kind, workers: int) -> Iterator[Operation]:
    with Pool(kind, workers, "for comparison").open("derive") as pool:
        if kind == "processes":
            _start_all(pool, workers)
        yield lambda: list(pool.map(derive, range(PIECES)))


def _start_all(pool: Executor, workers: int) -> None:
    """Return when every process works: they start one after the other, as tasks come."""
    seen: set[int] = set()
    until = time.monotonic() + _START_SECONDS
    while len(seen) < workers and time.monotonic() < until:
        seen.update(pool.map(_process_id, range(4 * workers)))


def _process_id(_: int) -> int:
    time.sleep(0.002)  # so that the first process does not take all tasks
    return os.getpid()
