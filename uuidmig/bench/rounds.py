"""What pytest-benchmark says about the rounds of a benchmark, in its words and by its formulas.

Computed here because pytest-benchmark is no dependency of ours; a test compares every figure with
its class `pytest_benchmark.stats.Stats`.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def describe_rounds(rounds: Sequence[float]) -> dict[str, object]:
    """Return the `stats` of one benchmark in a results file; times in seconds.

    ValueError without a round.
    """
    if not rounds:
        raise ValueError("a benchmark needs at least one round")
    data = sorted(rounds)
    mean, total = statistics.mean(data), sum(rounds)
    deviation = statistics.stdev(data) if len(data) > 1 else 0
    first, third = _lower_quartile(data), _lower_quartile(data[::-1])
    low, high = first - 1.5 * (third - first), third + 1.5 * (third - first)
    far = _outside(data, mean - deviation, mean + deviation)
    farther = _outside(data, low, high)
    return {
        "min": data[0],
        "max": data[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": len(data),
        "median": statistics.median(data),
        "iqr": third - first,
        "q1": first,
        "q3": third,
        "iqr_outliers": farther,
        "stddev_outliers": far,
        "outliers": f"{far};{farther}",
        "ld15iqr": min(time for time in data if time >= low),
        "hd15iqr": max(time for time in data if time <= high),
        "ops": len(data) / total if total else 0,
        "total": total,
        "data": list(rounds),
        "iterations": 1,
    }


def _lower_quartile(data: Sequence[float]) -> float:
    """Return the first quartile of sorted times, or the third of times sorted downwards.

    The median of half of them, or for odd numbers what lies between the halves with and without
    the middle: https://en.wikipedia.org/wiki/Quartile#Computing_methods, methods 2 and 3.
    """
    quarter, rest = divmod(len(data), 4)
    match rest:
        case 1 if quarter == 0:
            return data[0]
        case 1:
            return 0.25 * data[quarter - 1] + 0.75 * data[quarter]
        case 3:
            return 0.75 * data[quarter] + 0.25 * data[quarter + 1]
        case _:
            return statistics.median(data[: len(data) // 2])


def _outside(data: Sequence[float], low: float, high: float) -> int:
    return sum(not low <= time <= high for time in data)
