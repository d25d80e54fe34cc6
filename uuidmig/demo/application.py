"""What the shop's application felt of its migration, over time and step by step: for the report."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from uuidmig.demo.timeline import Timeline
from uuidmig.demo.writers import WriterReport

_SLICES = 120
_LEAST_SLICE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the demo: its span in seconds since the start, and what statements took, in ms."""

    name: str
    start: float
    end: float
    statements: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    """`commits` are transactions in each slice of `slice_seconds` since `started_at`."""

    started_at: datetime
    writers: int
    transactions: int
    errors: int
    differences: int
    slice_seconds: float
    commits: tuple[int, ...]
    phases: tuple[Phase, ...]


def application_record(
    report: WriterReport,
    timeline: Timeline,
    *,
    writers: int,
    start: float,
    end: float,
    differences: int,
) -> ApplicationRecord | None:
    """Return the record; `start` and `end` of the migration since 1970. None without writers."""
    if not report.committed:
        return None
    first, last = report.committed[0], report.committed[-1]
    width = max(_LEAST_SLICE_SECONDS, (last - first) / _SLICES)
    counted = Counter(int((at - first) // width) for at in report.committed)
    spans = [(name, *span) for name in timeline.spans if (span := timeline.span(name)) is not None]
    phases = [("before", first, start), *spans, ("afterwards", end, last)]
    return ApplicationRecord(
        started_at=datetime.fromtimestamp(first, UTC),
        writers=writers,
        transactions=report.transactions,
        errors=len(report.errors),
        differences=differences,
        slice_seconds=round(width, 3),
        # the last slice is not a whole one
        commits=tuple(counted[n] for n in range(max(1, math.floor((last - first) / width)))),
        phases=tuple(_phase(report, first, *phase) for phase in phases),
    )


def _phase(report: WriterReport, zero: float, name: str, start: float, end: float) -> Phase:
    within = report.during(start, end)
    return Phase(
        name=name,
        start=round(start - zero, 3),
        end=round(end - zero, 3),
        statements=len(within.latencies),
        p50_ms=_rounded(within.percentile(0.50)),
        p95_ms=_rounded(within.percentile(0.95)),
        p99_ms=_rounded(within.percentile(0.99)),
        max_ms=_rounded(within.longest_stall_ms),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
