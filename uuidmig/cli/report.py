"""`uuidmig report`: the migration, before and after, as one HTML file."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import Talk, write
from uuidmig.config import load_settings
from uuidmig.errors import ConfigurationError

EXAMPLES = (
    "uuidmig report --output report.html",
    "uuidmig report --json > report.json",
    "uuidmig report --bench inserts.json --output inserts.html",
)

Output = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel="Output",
        help="Write it to this file instead of standard output.",
    ),
]
Bench = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel="Selection",
        help="Show this document of `bench inserts --json` too; alone, and without a "
        "server, where neither --dsn nor a setting names one.",
    ),
]


def report(
    ctx: typer.Context,
    output: Output = None,
    bench: Bench = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show a migration before and after as one HTML file that needs no network. Reads only.

    It reads the journal, which `finish` drops: run it before, or use `finish --report FILE`. What
    it compares is measured by `migrate --measure`. Needs uuidmig[report]; --json does not.
    """
    from uuidmig.cli.report_file import (
        bench_only_document,
        migration_document,
        read_bench,
        render,
        write_report,
    )

    talk: Talk = ctx.obj
    talk.verbosity = -1 if quiet else verbose  # there may be no session that sets it
    if output is None and not as_json and sys.stdout.isatty():
        raise ConfigurationError("an HTML file is nothing for a terminal: name one with --output")
    found = None if bench is None else read_bench(bench)
    named = load_settings({"dsn": dsn, "server": server})
    if found is not None and named.dsn is None and named.server is None:
        made = bench_only_document(found)
    else:
        with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
            made = migration_document(run.dsn, found)
    if output is None:
        write(render(made, as_json=as_json))
    else:
        write_report(made, output, talk, as_json=as_json)
