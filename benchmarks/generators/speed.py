"""Nanoseconds a key, every generator in every round, so that all share what the machine does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Barrier, Thread

from benchmarks.generators.known import STANDARD_LIBRARY, Generator


@dataclass(frozen=True, slots=True)
class Speed:
    """One generator with so many threads. `nanoseconds` a key, elapsed, by round; `to_stdlib` is
    the median of its rounds' ratios to the standard library's, None where that has none."""

    generator: str
    threads: int
    nanoseconds: tuple[float, ...]
    to_stdlib: float | None

    @property
    def median(self) -> float:
        return statistics.median(self.nanoseconds)


def measure(
    generators: Mapping[str, Generator], keys: int, rounds: int, threads: Iterable[int]
) -> tuple[Speed, ...]:
    """Return what each generator took for `keys` keys, spread over each number of threads."""
    return tuple(
        speed for number in threads for speed in _compare(generators, keys, rounds, number)
    )


def _compare(
    generators: Mapping[str, Generator], keys: int, rounds: int, threads: int
) -> tuple[Speed, ...]:
    taken: dict[str, list[float]] = {name: [] for name in generators}
    for _ in range(rounds):
        for name, make in generators.items():
            taken[name].append(_nanoseconds(make, max(1, keys // threads), threads))
    standard = taken.get(STANDARD_LIBRARY)
    return tuple(
        Speed(
            name,
            threads,
            tuple(times),
            None if standard is None else _median_ratio(times, standard),
        )
        for name, times in taken.items()
    )


def _median_ratio(times: Sequence[float], to: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(times, to, strict=True))


def _nanoseconds(make: Generator, each: int, threads: int) -> float:
    """Return the elapsed nanoseconds a key; threads are started before the clock is."""
    barrier = Barrier(threads + 1)

    def work() -> None:
        barrier.wait()
        for _ in range(each):
            make()
        barrier.wait()

    workers = [Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    started = time.perf_counter_ns()
    barrier.wait()
    elapsed = time.perf_counter_ns() - started
    for worker in workers:
        worker.join()
    return elapsed / (each * threads)
