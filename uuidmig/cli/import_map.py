"""`uuidmig import-map`: a key map as a table of another database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import write

EXAMPLES = (
    "uuidmig import-map map.csv.zst --into public.key_map --dsn service=warehouse",
    'uuidmig import-map map.csv.zst --into \'"Staging"."Key Map"\'',
)


def import_map(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Of export-map.")],
    into: Annotated[
        str, typer.Option(metavar="SCHEMA.TABLE", help="A table that is made; quoted as in SQL.")
    ],
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Load a key map into a new table (table_name, old, new), indexed by the old key."""
    from uuidmig.keymap.load import import_map as load
    from uuidmig.report.document import document

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet) as run:
        with run.connect() as connection:
            keys = load(connection, file, into)
        if as_json:
            write(document({"table": into, "keys": keys}))
        else:
            write(f"{into}: {keys:,} keys")
