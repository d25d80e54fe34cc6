"""`uuidmig demo`: a whole migration of a shop under load, on a server of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from uuidmig.cli import options

EXAMPLES = (
    "uuidmig demo",
    "uuidmig demo --orders 20000 --writers 4",
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
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Load a shop with uuid4 keys, migrate it while it is written to, show before and after.

    Without --dsn it runs on an embedded server, of which nothing is left afterwards.
    """
