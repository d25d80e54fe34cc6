"""`uuidmig rewrite-file`: new keys in a file that holds old ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.talk import Talk

EXAMPLES = (
    "uuidmig rewrite-file --map map.csv.zst --column order_id export.csv > new.csv",
    "uuidmig rewrite-file --map map.csv.zst --column id --column order_id"
    " --output new.jsonl.zst events.jsonl.zst",
)


def rewrite_file(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help=".csv, .jsonl or .ndjson; also with .zst or .gz."
        ),
    ],
    map_file: Annotated[
        Path, typer.Option("--map", exists=True, dir_okay=False, help="Of export-map.")
    ],
    column: Annotated[
        list[str],
        typer.Option(help="A column, or in JSON a member at any depth; may be repeated."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="Default: standard output."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Replace old keys by new ones in a CSV file or JSON lines; all else stays byte for byte.

    Keys that are not in the map stay too, and are counted. Needs no database.
    """
    from uuidmig.keymap.rewrite import rewrite_file as rewrite

    talk: Talk = ctx.obj
    talk.verbosity = -1 if quiet else 0
    done = rewrite(map_file, file, output or sys.stdout.buffer, column)
    talk.say(
        f"{done.rows:,} rows, {done.replaced:,} keys replaced,"
        f" {done.unknown:,} values left that are not in the map"
    )
