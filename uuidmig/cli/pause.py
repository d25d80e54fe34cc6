"""`uuidmig pause`: let a running migration wait."""

from __future__ import annotations

from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session

EXAMPLES = (
    "uuidmig pause",
    "uuidmig pause --reason 'nightly report'",
)


def pause(
    ctx: typer.Context,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why; shown by whoever waits and by status.")
    ] = "",
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Let a running migration finish its batches and wait until `uuidmig resume`.

    Changes are still captured meanwhile: the change log grows.
    """
    from uuidmig import engine

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        engine.pause(run.dsn, reason)
        run.talk.say("paused; go on with: uuidmig resume")
