"""`uuidmig resume`: end a pause."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session

EXAMPLES = ("uuidmig resume",)


def resume(
    ctx: typer.Context,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """End a pause. (A migration whose process has ended is resumed by `uuidmig migrate`.)"""
    from uuidmig import engine

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        engine.resume(run.dsn)
        run.talk.say("the pause is over")
