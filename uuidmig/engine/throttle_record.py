"""How a copy gave way, for its report: commit latency and rest over time, in a bounded size."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field

MOST_SAMPLES = 240


@dataclass(frozen=True, slots=True)
class Sample:
    """`at` in seconds since the copy began, a commit's milliseconds, rest a second of work."""

    at: float
    commit_ms: float
    rest: float


@dataclass(slots=True)
class ThrottleRecord:
    """Collects samples of one copy; when there are too many, two become one. Thread-safe."""

    started: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    rested_seconds: float = 0.0
    _weight: int = 1
    _open: list[Sample] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, commit_ms: float, rest: float) -> None:
        """Take one probe of the throttle."""
        with self._lock:
            self._open.append(Sample(time.monotonic() - self.started, commit_ms, rest))
            if len(self._open) >= self._weight:
                self.samples.append(_merge(self._open))
                self._open = []
            if len(self.samples) >= MOST_SAMPLES:
                pairs = zip(self.samples[::2], self.samples[1::2], strict=True)
                self.samples = [_merge(list(pair)) for pair in pairs]
                self._weight *= 2

    def add_rest(self, seconds: float) -> None:
        """Take the rest of one worker between two statements."""
        with self._lock:
            self.rested_seconds += seconds

    def rows(self) -> list[list[float]]:
        """Return [at, commit_ms, rest] of each sample, rounded."""
        with self._lock:
            return [[round(s.at, 2), round(s.commit_ms, 3), round(s.rest, 2)] for s in self.samples]


def _merge(samples: list[Sample]) -> Sample:
    return Sample(
        samples[-1].at,
        statistics.fmean(sample.commit_ms for sample in samples),
        statistics.fmean(sample.rest for sample in samples),
    )
