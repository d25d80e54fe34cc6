"""The turns of one interpreter as one results file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from uuidmig.bench.rounds import describe_rounds
from uuidmig.bench.runtime.suite import percentile_95

Document = dict[str, Any]


def merge(turns: Sequence[Document], command: str) -> Document:
    """Return one document with the rounds of all turns, in their order; all else is the first's.

    A benchmark that is not in all turns has the rounds of those that have it.
    """
    first = turns[0]
    settings = {
        **first["settings"],
        "iterations": sum(turn["settings"]["iterations"] for turn in turns),
        "turns": len(turns),
    }
    benchmarks = [_benchmark(one, turns) for one in first["benchmarks"]]
    return {**first, "command": command, "settings": settings, "benchmarks": benchmarks}


def _benchmark(one: Mapping[str, Any], turns: Sequence[Document]) -> Document:
    rounds = tuple(
        seconds
        for turn in turns
        for other in turn["benchmarks"]
        if other["fullname"] == one["fullname"]
        for seconds in other["stats"]["data"]
    )
    return {
        **one,
        "stats": describe_rounds(rounds),
        "extra_info": {**one["extra_info"], "p95": percentile_95(rounds)},
    }
