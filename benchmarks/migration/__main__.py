"""The benchmark's command line: `python -m benchmarks.migration --help`."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.migration.load import run_under_load
from benchmarks.migration.methods import METHODS
from benchmarks.migration.ratios import GROWTH
from benchmarks.migration.report import Report, report_document, report_table
from benchmarks.migration.rounds import run_rounds
from benchmarks.migration.server import bench_server
from uuidmig.cli.failures import report_failure
from uuidmig.cli.talk import Talk, show, write
from uuidmig.errors import UuidmigError
from uuidmig.report.document import document

GROWTH_METHODS = ("identity", "migrate_2")

Scale = Annotated[float, typer.Option(min=0.001, help="1 is 1 M orders and 3 M items.")]
Rounds = Annotated[int, typer.Option(min=1, help="How often each method runs.")]
Methods = Annotated[
    str | None,
    typer.Option(metavar="A,B", help=f"Of {', '.join(METHODS)}; all of them if not given."),
]
Load = Annotated[bool, typer.Option("--load", help="Also measure what 8 writers feel.")]
Growth = Annotated[
    bool,
    typer.Option(
        "--growth", help=f"{' and '.join(GROWTH_METHODS)} at {GROWTH} times the scale as well."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def _chosen(text: str | None, growth: bool) -> tuple[str, ...]:
    """Return the methods asked for, in a fixed order; typer.BadParameter for an unknown one."""
    if text is None:
        return GROWTH_METHODS if growth else tuple(METHODS)
    names = {name.strip() for name in text.split(",")}
    if unknown := names - METHODS.keys():
        raise typer.BadParameter(f"--methods: there is no {', '.join(sorted(unknown))}")
    return tuple(name for name in METHODS if name in names)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    scale: Scale = 1.0,
    rounds: Rounds = 3,
    methods: Methods = None,
    load: Load = False,
    growth: Growth = False,
    as_json: AsJson = False,
) -> None:
    """Compare ways to new keys: time, WAL, size, disk and client memory, as ratios in one run.

    Starts a server of its own, of which nothing is left. Scale 1 needs about 8 GB of disk, 15 GB
    with --growth.
    """
    talk = Talk()
    names = _chosen(methods, growth)
    scales = (scale, scale * GROWTH) if growth else (scale,)
    try:
        with bench_server() as server:
            chosen = [METHODS[name] for name in names]
            measured = run_rounds(server, chosen, scales, rounds, talk.say)
            felt = run_under_load(server, scale, talk.say) if load else None
            report = Report(scale, server.settings(), measured, felt)
    except (UuidmigError, KeyboardInterrupt) as error:
        raise typer.Exit(report_failure(error, talk)) from None
    if as_json:
        write(document(report_document(report)))
    else:
        show(report_table(report))


if __name__ == "__main__":
    app()
