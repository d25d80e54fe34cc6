"""`uuidmig verify`: compare old and new tables once more."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import show

EXAMPLES = (
    "uuidmig verify",
    "uuidmig verify --dsn service=shop -v",
)


def verify(
    ctx: typer.Context,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Compare every row of the tables with its copy, at one moment, and say so.

    Writers wait for a moment while the moment is chosen; how long is printed. A difference is never
    forgotten: from then on only `uuidmig abort` goes on. Exit code 5.
    """
    from uuidmig import engine
    from uuidmig.report.status import status_table

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        with run.progress() as observer:
            engine.verify(run.dsn, observer, run.run_options)
        show(status_table(engine.status(run.dsn)))
