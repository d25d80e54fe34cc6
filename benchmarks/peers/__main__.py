"""The comparison's command line: `python -m benchmarks.peers --help`."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from benchmarks.migration.rounds import Say, run_rounds
from benchmarks.migration.server import BenchServer, bench_server
from benchmarks.peers.afterwards import FurtherRows
from benchmarks.peers.methods import NAMES, peers
from benchmarks.peers.programs import choose_programs
from benchmarks.peers.report import Report, report_document, report_table
from uuidmig.cli.failures import report_failure
from uuidmig.cli.talk import Talk, show, write
from uuidmig.errors import UuidmigError
from uuidmig.report.document import document

SMALLEST_SCALE = 0.001

Scales = Annotated[
    str, typer.Option("--scale", metavar="A,B", help="1 is 1 M orders and 3 M items; e.g. 1,4,10.")
]
Rounds = Annotated[int, typer.Option(min=1, help="How often each method runs.")]
Methods = Annotated[
    str | None,
    typer.Option(metavar="A,B", help=f"Of {', '.join(NAMES)}; all of them if not given."),
]
Postgres = Annotated[
    int | None,
    typer.Option(
        min=15,
        metavar="VERSION",
        help="The server's version: Debian's programs, or 18 from the wheel. "
        "If not given, the newest that has pg_repack.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    scale: Scales = "1",
    rounds: Rounds = 3,
    methods: Methods = None,
    postgres: Postgres = None,
    as_json: AsJson = False,
) -> None:
    """Compare uuidmig with pg_repack, the default alone, and scripts, as ratios in one run.

    Starts a server of its own, of which nothing is left. Scales 1,4,10 need about 40 GB of disk.
    """
    talk = Talk()
    scales, names = _scales(scale), _names(methods)
    try:
        with bench_server(choose_programs(postgres)) as server:
            report = _compare(server, scales, names, rounds, talk.say)
    except (UuidmigError, KeyboardInterrupt) as error:
        raise typer.Exit(report_failure(error, talk)) from None
    if as_json:
        write(document(report_document(report)))
    else:
        show(report_table(report))


def _compare(
    server: BenchServer, scales: tuple[float, ...], names: frozenset[str], rounds: int, say: Say
) -> Report:
    possible, missing = peers(server)
    chosen = {name: method for name, method in possible.items() if name in names}
    left_out = {name: why for name, why in missing.items() if name in names}
    for name, why in left_out.items():
        say(f"{name} is left out: {why}")
    further = FurtherRows(scales[0])
    measured = run_rounds(server, tuple(chosen.values()), scales, rounds, say, further.insert)
    return Report(scales, server.settings(), chosen, left_out, measured, further.grown)


def _scales(text: str) -> tuple[float, ...]:
    """Return the scales asked for, smallest first; typer.BadParameter for what is none."""
    try:
        found = sorted({float(one) for one in text.split(",")})
    except ValueError:
        raise typer.BadParameter(f"--scale: {text} is no list of numbers") from None
    if not all(SMALLEST_SCALE <= one < math.inf for one in found):
        raise typer.BadParameter(f"--scale: {SMALLEST_SCALE} is the smallest")
    return tuple(found)


def _names(text: str | None) -> frozenset[str]:
    """Return the methods asked for; typer.BadParameter for an unknown one."""
    names = frozenset(NAMES if text is None else (name.strip() for name in text.split(",")))
    if unknown := names - set(NAMES):
        raise typer.BadParameter(f"--methods: there is no {', '.join(sorted(unknown))}")
    return names


if __name__ == "__main__":
    app()
