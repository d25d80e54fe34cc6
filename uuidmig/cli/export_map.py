"""`uuidmig export-map`: old and new keys as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import write

EXAMPLES = (
    "uuidmig export-map --output map.csv.zst",
    "uuidmig export-map --output map.pgcopy.zst --workers 4 --dsn service=shop",
    "uuidmig export-map --output map.parquet",
    "uuidmig lookup --map map.csv.zst 9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab",
)


def export_map(
    ctx: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help=".csv, .pgcopy (PostgreSQL's binary COPY), either also with .zst or .gz, or "
            ".parquet.",
        ),
    ],
    workers: options.Workers = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Write table, old and new key of everything converted to a file, from the cutover to finish.

    For caches, warehouses, search indexes and URLs that still hold old keys.
    """
    from uuidmig.keymap.export import export_map as export
    from uuidmig.report.document import document
    from uuidmig.report.units import size

    flags = {"dsn": dsn, "server": server, "workers": workers}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        done = export(run.dsn, output, workers=run.settings.workers)
        if done.path != output:
            run.talk.complain(
                f"this Python has no zstd: {done.path} is gzip; with Python 3.14, or"
                " pip install 'uuidmig[fast]', it would be zstd"
            )
        if as_json:
            write(document({"export": done}))
        else:
            write(f"{done.path}: {done.keys:,} keys, {size(done.file_bytes)}")
