"""How a turn went over time."""

from __future__ import annotations

import bisect
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from uuidmig.bench.inserts.clients import Load
from uuidmig.bench.inserts.spec import Spec

_INTERVALS = 10
"""Into how many intervals the time line of a turn is divided, at most."""

_SHORTEST_INTERVAL = 0.25  # seconds


@dataclass(frozen=True, slots=True)
class Interval:
    """A part of a turn that ended `second` seconds after its start."""

    second: float
    rows_per_second: float
    p99_ms: float | None
    wal_bytes: int


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest of the ordered figures that `percent` of all do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(slots=True)
class WalSamples:
    """Where the WAL was at which time: in bytes, as `read` tells."""

    read: Callable[[], int]
    times: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.times:
            self.sample()

    def sample(self) -> None:
        """Take one more, now."""
        self.positions.append(self.read())
        self.times.append(time.perf_counter())

    def at(self, moment: float) -> int:
        """Return the position last seen by then."""
        return self.positions[max(0, bisect.bisect_right(self.times, moment) - 1)]


def timeline(load: Load, spec: Spec, wal: WalSamples) -> Iterator[Interval]:
    """Yield the intervals of a turn; together they hold all its rows."""
    batches = sorted(
        (end, latency)
        for log in load.logs
        for end, latency in zip(log.ends, log.latencies, strict=True)
    )
    width = max(_SHORTEST_INTERVAL, spec.seconds / _INTERVALS)
    since, ended = load.started, batches[-1][0]
    count = max(1, int((ended - since) / width))  # the last one is longer, never a stub
    first = 0
    for number in range(1, count + 1):
        until = ended if number == count else load.started + number * width
        last = bisect.bisect_right(batches, (until, math.inf))
        latencies = sorted(latency for _, latency in batches[first:last])
        yield Interval(
            second=until - load.started,
            rows_per_second=(last - first) * spec.batch / (until - since),
            p99_ms=percentile(latencies, 99) * 1000 if latencies else None,
            wal_bytes=wal.at(until) - wal.at(since),
        )
        first, since = last, until
