"""The comparison's command line: `python -m benchmarks.generators --help`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Group, RenderableType

from benchmarks.generators.known import version_7_generators
from benchmarks.generators.order import THREADS, Order, check_order
from benchmarks.generators.speed import Speed, measure
from uuidmig.bench.environment import machine_info
from uuidmig.cli.talk import Talk, show, write
from uuidmig.keys.generate import GENERATOR
from uuidmig.report.document import document
from uuidmig.report.layout import grid, heading

Keys = Annotated[int, typer.Option(min=THREADS, help="Whose order is checked, each generator.")]
Timed = Annotated[int, typer.Option(min=THREADS, help="Timed, each generator in each round.")]
Rounds = Annotated[int, typer.Option(min=1, help="How often all generators are timed, in turns.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    keys: Keys = 10_000_000, timed: Timed = 200_000, rounds: Rounds = 9, as_json: AsJson = False
) -> None:
    """Compare generators of version 7 keys: time with 1 and 8 threads, and order with 8.

    No database, 100 MB of memory. Exit code 1 when a key of `uuidmig.uuid7` was out of order.
    """
    talk, generators = Talk(), version_7_generators()
    talk.say(f"uuidmig.uuid7 takes its keys from {GENERATOR}")
    speeds = measure(generators, timed, rounds, (1, THREADS))
    orders = {}
    for name, make in generators.items():
        talk.say(f"order of {keys:,} keys of {name}")
        orders[name] = check_order(make, keys)
    if as_json:
        found = {"backend": GENERATOR, "speeds": speeds, "orders": orders}
        write(document({"machine_info": machine_info(), **found}))
    else:
        show(_table(speeds, orders))
    ours = orders["uuidmig.uuid7"]
    if ours.behind or ours.repeated:
        raise typer.Exit(1)


def _table(speeds: tuple[Speed, ...], orders: Mapping[str, Order]) -> RenderableType:
    times = grid("generator", "threads", "median ns a key", "to stdlib")
    for one in speeds:
        ratio = "-" if one.to_stdlib is None else f"{one.to_stdlib:.2f}"
        times.add_row(one.generator, str(one.threads), f"{one.median:.0f}", ratio)
    order = grid("generator", "keys", "out of order", "repeated")
    for name, seen in orders.items():
        order.add_row(name, f"{seen.keys:,}", f"{seen.behind:,}", f"{seen.repeated:,}")
    return Group(heading("Time"), times, heading(f"Order with {THREADS} threads"), order)


if __name__ == "__main__":
    app()
