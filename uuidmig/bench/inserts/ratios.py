"""Medians, spread and ratios. Ratios are taken within a round; their median is what counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from uuidmig.bench.inserts.turn import Turn

BASE = "uuid4"
"""The kind that all others are compared with."""

_Value = Callable[[Turn], float]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over all rounds."""

    median: float
    min: float
    max: float


def spread(values: Sequence[float]) -> Spread | None:
    """Return the median and the extremes of some figures; None of no figure."""
    return Spread(median(values), min(values), max(values)) if values else None


def ratios(turns: Sequence[Turn]) -> dict[str, Spread | None]:
    """Return how each kind compares with uuid4, more than 1 in its favour.

    Rows a second of the kind to those of uuid4, and WAL a row of uuid4 to that of the kind; None
    for kinds that did not run.
    """
    found: dict[str, Spread | None] = {}
    for kind in ("uuid7", "mixed", "bigint"):
        found[f"rows_per_second_{kind}_to_{BASE}"] = spread(
            list(_ratios(turns, kind, BASE, lambda turn: turn.rows_per_second))
        )
    for kind in ("uuid7", "mixed", "bigint"):
        found[f"wal_per_row_{BASE}_to_{kind}"] = spread(
            list(_ratios(turns, BASE, kind, lambda turn: turn.wal_per_row))
        )
    return found


def _ratios(turns: Sequence[Turn], kind: str, to: str, value: _Value) -> Iterator[float]:
    by_place = {(turn.round, turn.kind): turn for turn in turns}
    for round in sorted({turn.round for turn in turns}):
        one, other = by_place.get((round, kind)), by_place.get((round, to))
        if one and other and value(other):
            yield value(one) / value(other)


def without_generator(
    turns: Sequence[Turn], microseconds: Mapping[str, float], clients: int
) -> list[Turn]:
    """Return the turns without the time that making the keys took on the server, as if it had been
    made ready before: so many microseconds a key, by kind, shared by the clients."""
    return [
        replace(
            turn,
            seconds=max(
                turn.seconds - turn.rows * microseconds[turn.kind] / 1e6 / clients,
                turn.seconds / 100,
            ),
        )
        for turn in turns
    ]


def new_page_density(turns: Sequence[Turn]) -> dict[str, float | None]:
    """Return by kind how full the pages are, in percent, that the index got since it was loaded.

    As they were after the last round; None without the extension pageinspect, and where there are
    no new pages.
    """
    last = {turn.kind: turn.pages.new_page_density for turn in turns}
    return {kind: last.get(kind) for kind in ("uuid7", "mixed", "uuid4", "bigint") if kind in last}


def of_kind(turns: Sequence[Turn], kind: str) -> list[Turn]:
    """Return the turns of one kind, by round."""
    return [turn for turn in turns if turn.kind == kind]
