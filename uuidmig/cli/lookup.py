"""`uuidmig lookup`: old keys to new ones and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import Talk, show, write

if TYPE_CHECKING:
    from uuidmig.engine.find_keys import KeyPair

EXAMPLES = (
    "uuidmig lookup 9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab",
    "uuidmig lookup --map map.csv.zst 9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab",
    "uuidmig lookup --json 9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab | jq -r '.keys[].new'",
)


def lookup(
    ctx: typer.Context,
    ids: Annotated[list[UUID], typer.Argument(metavar="ID...", help="Keys, old or new.")],
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", exists=True, dir_okay=False, help="Look in a file of export-map instead."
        ),
    ] = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show for each key what it was and what it is now, from the cutover until finish.

    With --map also afterwards. Exit code 1 when a key is not known.
    """
    if map_file is not None:
        from uuidmig.keymap.read import find_in_map

        talk: Talk = ctx.obj
        _show(find_in_map(map_file, ids), ids, talk, as_json=as_json)
        return
    from uuidmig import engine

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        _show(engine.lookup(run.dsn, ids), ids, run.talk, as_json=as_json)


def _show(pairs: Sequence[KeyPair], ids: Sequence[UUID], talk: Talk, *, as_json: bool) -> None:
    from uuidmig.report.document import document
    from uuidmig.report.lookup import lookup_table

    unknown = [key for key in ids if not any(key in (pair.old, pair.new) for pair in pairs)]
    if as_json:
        write(document({"keys": pairs, "unknown": unknown}))
    else:
        show(lookup_table(pairs))
    for key in unknown:
        talk.complain(f"{key} is neither an old nor a new key of a migrated table")
    if unknown:
        raise typer.Exit(1)
