"""`uuidmig plan`: what would happen, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.plan_output import print_plan
from uuidmig.cli.session import session
from uuidmig.errors import ConfigurationError

EXAMPLES = (
    "uuidmig plan",
    "uuidmig plan --table public.orders --timestamp public.orders=placed_at",
    "uuidmig plan --json | jq .forecast",
    "uuidmig plan --sql > review.sql",
    "uuidmig plan --revisions ./revisions",
)


def plan(
    ctx: typer.Context,
    table: options.Tables = None,
    schema: options.Schemas = None,
    timestamp: options.Timestamps = None,
    time_zone: options.TimeZone = None,
    non_v4: options.NonV4 = None,
    grace: options.Grace = None,
    as_json: options.AsJson = False,
    as_sql: options.AsSql = False,
    revisions: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", rich_help_panel="Output", help="Write Alembic revisions there, too."
        ),
    ] = None,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show what a migration would do, what it costs and what stands against it. Reads only.

    Exit code 3 when something stands against it; the plan is printed all the same.
    """
    if as_json and as_sql:
        raise ConfigurationError("--json and --sql are two forms of one output; choose one")
    flags = options.selection(table, schema, timestamp, time_zone, non_v4, grace)
    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet, **flags) as run:
        print_plan(run, "json" if as_json else "sql" if as_sql else "table", revisions)
