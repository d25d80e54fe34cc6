"""`uuidmig bench compare`: results of benchmarks side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.talk import show, write
from uuidmig.errors import ConfigurationError

EXAMPLES = (
    "uuidmig bench compare before.json after.json",
    "uuidmig bench compare main.json branch.json --threshold 10%",
    "uuidmig bench compare results_312.json results_313.json results_314.json",
    "uuidmig bench compare a.json b.json --json | jq '.benchmarks[] | [.fullname, .ratios[1]]'",
)


def compare(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Results files, the first to compare.")
    ],
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="Exit code 6 when a median is slower than the first file's by more, such as 10%.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Put results of benchmarks side by side, with ratios to the first file. No database is needed.

    Reads the JSON of other commands of `bench`, and of pytest-benchmark. Refuses files without a
    common benchmark, and to compare interpreters that used different implementations of psycopg.
    """
    from uuidmig.bench.comparison import compare as compare_files
    from uuidmig.bench.results_file import read_results
    from uuidmig.report.bench_comparison import comparison_document, comparison_table
    from uuidmig.report.document import document

    ctx.obj.verbosity = -1 if quiet else verbose
    allowed = None if threshold is None else _percent(threshold)
    found = compare_files([read_results(path) for path in files], allowed)
    if as_json:
        write(document(comparison_document(found)))
    else:
        show(comparison_table(found))
    if found.incomplete:
        ctx.obj.say(f"not in all files, so not compared: {', '.join(found.incomplete)}")
    found.require_threshold()


def _percent(text: str) -> float:
    """Return the number before a percent sign; without the sign it could as well be a factor."""
    number = text.strip().removesuffix("%")
    try:
        percent = float(number)
    except ValueError:
        percent = -1.0
    if number == text.strip() or not 0 <= percent < 1e6:
        raise ConfigurationError(f"--threshold {text}: expected is a percentage such as 10%")
    return percent
