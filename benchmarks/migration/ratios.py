"""Medians, ratios and bars. Ratios are taken within a round, then their median over the rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.migration.measure import Run
from benchmarks.migration.rounds import Round

GROWTH = 4
"""How many times larger the larger data of --growth is."""

TIME_PER_ROW = f"time_per_row_scale_{GROWTH}_to_1"

Figure = Callable[[Run], float]
"""What of a run is compared."""


@dataclass(frozen=True, slots=True)
class Median:
    """The medians of one method at one scale over the rounds, each figure for itself."""

    method: str
    scale: float
    seconds: float
    wal_bytes: float
    size_bytes: float
    disk_before_bytes: float
    disk_peak_bytes: float
    client_memory_bytes: float | None
    steps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must be: at most `limit` (`at_least`: at least)."""

    figure: str
    limit: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


BARS = (
    Bar("time_to_identity_copy", 1.5),
    Bar("wal_to_identity_copy", 1.1),
    Bar("size_to_identity_copy", 1.05),
    Bar("cascade_update_time_to_migrate", 6.0, at_least=True),
    Bar("client_memory_bytes", 150 * 1024 * 1024),
    Bar(TIME_PER_ROW, 1.2),
    Bar("p99_during_copy_to_without", 3.0),
    Bar("longest_stall_at_cutover_ms", 1000.0),
    Bar("application_errors", 0.0),
)


def medians(rounds: Sequence[Round]) -> tuple[Median, ...]:
    """Return the medians of every method at every scale, smaller scales first."""
    groups: dict[tuple[float, str], list[Run]] = {}
    for run in (run for one in rounds for run in one.runs):
        groups.setdefault((run.scale, run.method), []).append(run)
    return tuple(_median(groups[key]) for key in sorted(groups))


def ratios(rounds: Sequence[Round], scale: float) -> dict[str, float | None]:
    """Return all figures that bars are set for, at `scale`; None for what was not run.

    Memory is the most that `migrate` with 2 workers took in any round at any scale.
    """
    memory = [
        run.client_memory_bytes
        for one in rounds
        for run in one.runs
        if run.method == "migrate_2" and run.client_memory_bytes is not None
    ]
    base = (rounds, scale)
    return {
        "time_to_identity_copy": _ratio(*base, "migrate_2", "identity", seconds),
        "copy_to_valid_to_identity_copy": _ratio(*base, "migrate_2", "identity", copy_to_valid),
        "wal_to_identity_copy": _ratio(*base, "migrate_2", "identity", wal),
        "size_to_identity_copy": _ratio(*base, "migrate_2", "identity", _size),
        "time_to_identity_copy_1_worker": _ratio(*base, "migrate_1", "identity", seconds),
        "cascade_update_time_to_migrate": _ratio(*base, "cascade", "migrate_2", seconds),
        "keyset_time_to_migrate": _ratio(*base, "keyset", "migrate_2", seconds),
        "client_memory_bytes": max(memory, default=None),
        TIME_PER_ROW: _growth(rounds, scale, "migrate_2"),
        f"identity_{TIME_PER_ROW}": _growth(rounds, scale, "identity"),
    }


def seconds(run: Run) -> float:
    """How long the run took."""
    return run.seconds


def copy_to_valid(run: Run) -> float:
    """What grows with the data: without the start of the program, plan, prepare and report."""
    return run.seconds - run.steps.get("rest", 0.0)


def seconds_per_row(run: Run) -> float:
    """How long the run took for a row of either table."""
    return run.seconds / run.rows


def wal(run: Run) -> float:
    """Bytes of WAL that the run wrote."""
    return float(run.wal_bytes)


def _size(run: Run) -> float:
    return float(run.size_bytes)


def _ratio(
    rounds: Sequence[Round], scale: float, method: str, to: str, figure: Figure
) -> float | None:
    return _median_ratio(rounds, (scale, method), (scale, to), figure)


def _growth(rounds: Sequence[Round], scale: float, method: str) -> float | None:
    return _median_ratio(rounds, (scale * GROWTH, method), (scale, method), seconds_per_row)


def _median_ratio(
    rounds: Sequence[Round], one: tuple[float, str], to: tuple[float, str], figure: Figure
) -> float | None:
    found = list(within_rounds(rounds, one, to, figure))
    return round(median(found), 4) if found else None


def within_rounds(
    rounds: Sequence[Round], one: tuple[float, str], to: tuple[float, str], figure: Figure
) -> Iterator[float]:
    """Yield the ratio of two (scale, method) in every round that has both."""
    for each in rounds:
        runs = {(run.scale, run.method): run for run in each.runs}
        if one in runs and to in runs:
            yield figure(runs[one]) / figure(runs[to])


def _median(runs: Sequence[Run]) -> Median:
    memory = [run.client_memory_bytes for run in runs if run.client_memory_bytes is not None]
    steps = {name: median(run.steps.get(name, 0.0) for run in runs) for name in runs[0].steps}
    return Median(
        method=runs[0].method,
        scale=runs[0].scale,
        seconds=median(run.seconds for run in runs),
        wal_bytes=median(run.wal_bytes for run in runs),
        size_bytes=median(run.size_bytes for run in runs),
        disk_before_bytes=median(run.disk_before_bytes for run in runs),
        disk_peak_bytes=median(run.disk_peak_bytes for run in runs),
        client_memory_bytes=median(memory) if memory else None,
        steps=steps,
    )
