"""Ratios within a round, their median and spread, and how the cost grows with the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.migration.ratios import (
    Bar,
    Figure,
    copy_to_valid,
    seconds,
    seconds_per_row,
    wal,
    within_rounds,
)
from benchmarks.migration.rounds import Round
from benchmarks.peers.afterwards import Growth
from benchmarks.peers.methods import NAMES

BAR = Bar("migrate_2_to_pg_repack", 1.7)

_RATIOS: tuple[tuple[str, str, str, Figure], ...] = (
    (BAR.figure, "migrate_2", "pg_repack", seconds),
    (f"copy_to_valid_{BAR.figure}", "migrate_2", "pg_repack", copy_to_valid),
    ("wal_migrate_2_to_pg_repack", "migrate_2", "pg_repack", wal),
    ("migrate_2_to_identity", "migrate_2", "identity", seconds),
    ("pg_repack_to_identity", "pg_repack", "identity", seconds),
    ("default_only_to_migrate_2", "default_only", "migrate_2", seconds),
    ("cascade_to_migrate_2", "cascade", "migrate_2", seconds),
    ("keyset_to_migrate_2", "keyset", "migrate_2", seconds),
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """`figure` at `scale`: median, least and most of the rounds; None when one side did not run.

    Figures are named after what is divided: time unless it says wal. `copy_to_valid` is the time
    without what does not grow with the data (start of the program, plan, prepare).
    """

    figure: str
    scale: float
    median: float | None
    least: float | None
    most: float | None


def ratios(rounds: Sequence[Round], scale: float) -> tuple[Ratio, ...]:
    """Return all ratios at that scale."""
    return tuple(
        _ratio(name, scale, within_rounds(rounds, (scale, method), (scale, to), figure))
        for name, method, to, figure in _RATIOS
    )


def growth(rounds: Sequence[Round], scales: Sequence[float]) -> tuple[Ratio, ...]:
    """Return each method's time per row at each scale, divided by that at the first scale."""
    first, *others = scales
    return tuple(
        ratio
        for scale in others
        for method in NAMES
        if (ratio := _growth(rounds, method, scale, first)).median is not None
    )


def further_rows(grown: Sequence[Growth]) -> Iterator[tuple[str, float]]:
    """Yield what a further row costs in each index after default-only, divided by after migrate."""
    costs = {(one.scale, one.method, one.index): one.bytes_per_row for one in grown}
    scale = min((one.scale for one in grown), default=0.0)
    for index in dict.fromkeys(one.index for one in grown):
        alone = costs.get((scale, "default_only", index))
        migrated = costs.get((scale, "migrate_2", index))
        if alone is not None and migrated:
            yield f"bytes_per_new_row_{index}_default_only_to_migrate_2", round(alone / migrated, 4)


def _growth(rounds: Sequence[Round], method: str, scale: float, first: float) -> Ratio:
    name = f"{method}_time_per_row_scale_{scale:g}_to_{first:g}"
    found = within_rounds(rounds, (scale, method), (first, method), seconds_per_row)
    return _ratio(name, scale, found)


def _ratio(name: str, scale: float, found: Iterator[float]) -> Ratio:
    values = sorted(found)
    if not values:
        return Ratio(name, scale, None, None, None)
    return Ratio(name, scale, *(round(one, 4) for one in (median(values), values[0], values[-1])))
