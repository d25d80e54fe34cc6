"""`uuidmig lookup`: old keys to new ones and back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import show, write

EXAMPLES = (
    "uuidmig lookup 9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab",
    "uuidmig lookup --json 9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab | jq -r '.keys[].new'",
)


def lookup(
    ctx: typer.Context,
    ids: Annotated[list[UUID], typer.Argument(metavar="ID...", help="Keys, old or new.")],
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show for each key what it was and what it is now, from the cutover until finish.

    Exit code 1 when a key is not known.
    """
    from uuidmig import engine
    from uuidmig.report.document import document
    from uuidmig.report.lookup import lookup_table

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        pairs = engine.lookup(run.dsn, ids)
        unknown = [key for key in ids if not any(key in (pair.old, pair.new) for pair in pairs)]
        if as_json:
            write(document({"keys": pairs, "unknown": unknown}))
        else:
            show(lookup_table(pairs))
        for key in unknown:
            run.talk.complain(f"{key} is neither an old nor a new key of a migrated table")
        if unknown:
            raise typer.Exit(1)
