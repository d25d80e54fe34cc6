"""All methods in turn, round after round, so that slow minutes of the machine hit all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from benchmarks.migration.data import Dataset, load
from benchmarks.migration.measure import Run, Then, measure, no_more
from benchmarks.migration.methods import Method
from benchmarks.migration.server import BenchServer
from uuidmig.report.units import count, duration

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Round:
    """One run of each method at each scale, in the order in which they ran."""

    number: int
    runs: tuple[Run, ...]


def run_rounds(
    server: BenchServer,
    methods: Sequence[Method],
    scales: Sequence[float],
    rounds: int,
    say: Say,
    then: Then = no_more,
) -> tuple[Round, ...]:
    """Load the data once a scale, then run everything `rounds` times, each round shuffled."""
    with ExitStack() as stack:
        sets = [_load(stack, server, scale, say) for scale in scales]
        tasks = [(data, method) for data in sets for method in methods]
        return tuple(
            Round(number, tuple(_round(server, tasks, number, say, then)))
            for number in range(1, rounds + 1)
        )


def _load(stack: ExitStack, server: BenchServer, scale: float, say: Say) -> Dataset:
    say(f"loading the data of scale {scale:g}")
    name = f"bench_data_{scale:g}"
    data = load(stack.enter_context(server.database(name)), name, scale)
    say(f"{count(data.rows)} rows at scale {scale:g}")
    return data


def _round(
    server: BenchServer,
    tasks: Sequence[tuple[Dataset, Method]],
    number: int,
    say: Say,
    then: Then,
) -> Iterator[Run]:
    for data, method in Random(number).sample(tasks, len(tasks)):
        run = measure(server, data, method, then)
        say(f"round {number}  scale {data.scale:g}  {method.name:12}  {duration(run.seconds)}")
        yield run
