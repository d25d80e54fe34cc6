"""`uuidmig demo`: a whole migration of a shop under load, on a server of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import show, write
from uuidmig.errors import UuidmigError

EXAMPLES = (
    "uuidmig demo",
    "uuidmig demo --orders 20000 --writers 4",
    "uuidmig demo --report demo.html",
    "uuidmig demo --json | jq .longest_stall_ms",
)

Orders = Annotated[int, typer.Option(min=1000, rich_help_panel="Batching", help="Orders to load.")]
Writers = Annotated[
    int,
    typer.Option(min=0, max=64, rich_help_panel="Batching", help="Sessions that write."),
]


def demo(
    ctx: typer.Context,
    orders: Orders = 100_000,
    writers: Writers = 8,
    report: options.ReportFile = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Load a shop with uuid4 keys, migrate it while it is written to, show before and after.

    Runs on an embedded server, of which nothing is left afterwards, unless --dsn or --server says
    otherwise; UUIDMIG_DSN does not count here. Exit code 1 when the application felt an error.
    """
    from uuidmig.cli.report_file import demo_report, require_renderer, write_report
    from uuidmig.demo.run import run_demo
    from uuidmig.report.demo import demo_document, demo_table
    from uuidmig.report.document import document

    if report is not None:
        require_renderer(report)
    place = server or (None if dsn else "embedded")
    with session(ctx, dsn=dsn, server=place, verbose=verbose, quiet=quiet) as run:
        with run.progress() as observer:
            shown = run_demo(
                run.dsn,
                orders=orders,
                writers=writers,
                measured=report is not None,
                observer=observer,
            )
        if report is not None:
            write_report(demo_report(shown), report, run.talk)
        if as_json:
            write(document(demo_document(shown)))
        else:
            show(demo_table(shown))
        if shown.application_errors or shown.differences:
            raise UuidmigError("the application felt the migration: see errors and differences")
