"""Does a generator give out its keys in order, whatever threads ask for them?

In order means: a key asked for after another one had been returned, to whichever thread, is the
greater of the two.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Barrier, Thread

from benchmarks.generators.known import Generator

THREADS = 8
_KEYS_A_ROUND = 400_000  # all that is in memory at once: 30 MB
_SWITCH_SECONDS = 1e-5  # the default of 5 ms is thousands of keys by one thread at a stretch


@dataclass(frozen=True, slots=True)
class Order:
    """What was seen of `keys` keys: how many were not above one that had been returned before they
    were asked for, and how many were equal to another one."""

    keys: int
    behind: int
    repeated: int


def check_order(make: Generator, keys: int, threads: int = THREADS) -> Order:
    """Make so many keys in rounds of several threads, and return what was seen of their order.

    Each round's keys are compared with each other, and with the highest of all rounds before.
    """
    made = behind = repeated = highest = 0
    while made < keys:
        each = max(1, min(_KEYS_A_ROUND, keys - made) // threads)
        latest = [highest]
        with _frequent_switches():
            streams, overtaken = _make(make, each, threads, latest)
        merged = sorted(key for stream in streams for key in stream)
        behind += overtaken + bisect_right(merged, highest)
        behind += sum(b <= a for stream in streams for a, b in pairwise(stream))
        repeated += sum(a == b for a, b in pairwise(merged))
        made, highest = made + len(merged), max(highest, merged[-1])
    return Order(made, behind, repeated)


def _make(
    make: Generator, each: int, threads: int, latest: list[int]
) -> tuple[list[list[int]], int]:
    """Return each thread's keys, and how many were not above `latest` as it was before the call.

    Threads overwrite `latest` without a lock. Whatever one reads in it has been returned, to
    somebody: that is all the comparison needs.
    """
    streams: list[list[int]] = [[] for _ in range(threads)]
    overtaken = [0] * threads
    start = Barrier(threads)

    def work(number: int) -> None:
        stream, wrong = streams[number], 0
        start.wait()
        for _ in range(each):
            returned_before = latest[0]
            key = make().int
            latest[0] = key
            stream.append(key)
            wrong += key <= returned_before
        overtaken[number] = wrong

    workers = [Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return streams, sum(overtaken)


@contextmanager
def _frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
