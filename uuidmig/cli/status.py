"""`uuidmig status`: where the migration stands."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import show, write

EXAMPLES = (
    "uuidmig status",
    "uuidmig status --json | jq .state",
    "watch -n 10 uuidmig status --dsn service=shop",
)


def status(
    ctx: typer.Context,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show where the migration stands and what to type next. Reads only."""
    from uuidmig import engine
    from uuidmig.report.document import document
    from uuidmig.report.status import status_table

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        found = engine.status(run.dsn)
        if as_json:
            write(document({"status": found}))
        else:
            show(status_table(found))
