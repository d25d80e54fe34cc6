"""`uuidmig plan`: what would happen, and what it costs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from uuidmig.cli import options
from uuidmig.cli.plan_output import RevisionPlace, print_plan
from uuidmig.cli.session import session
from uuidmig.errors import ConfigurationError

EXAMPLES = (
    "uuidmig plan",
    "uuidmig plan --table public.orders --timestamp public.orders=placed_at",
    "uuidmig plan --json | jq .forecast",
    "uuidmig plan --sql > review.sql",
    "uuidmig plan --revisions ./revisions",
    "uuidmig plan --revisions --alembic-config alembic.ini",
    "uuidmig plan --strategy default-only",
    "uuidmig plan --soft-references",
    "uuidmig plan --canary",
)


class Command(TyperCommand):
    """The command whose --revisions may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare --revisions the empty value."""
        filled = [
            f"{word}=" if word == "--revisions" and following.startswith("-") else word
            for word, following in pairwise([*args, "-"])
        ]
        return super().parse_args(ctx, filled)


def plan(
    ctx: typer.Context,
    table: options.Tables = None,
    schema: options.Schemas = None,
    timestamp: options.Timestamps = None,
    time_zone: options.TimeZone = None,
    non_v4: options.NonV4 = None,
    grace: options.Grace = None,
    accept_replication: options.AcceptReplication = None,
    strategy: options.Strategy = None,
    as_json: options.AsJson = False,
    as_sql: options.AsSql = False,
    revisions: Annotated[
        str | None,
        typer.Option(
            metavar="[DIR]",
            rich_help_panel="Output",
            help="Write Alembic revisions, too: into DIR, or with --alembic-config into your "
            "environment, where DIR says which of several version locations. `--sql` then "
            "prints what is to be run between prepare and cutover.",
        ),
    ] = None,
    alembic_config: options.AlembicConfig = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            rich_help_panel="Output",
            help="The revision, or BRANCH@head, of your environment that they are to follow; "
            "needed where it has several heads.",
        ),
    ] = None,
    soft_references: Annotated[
        bool,
        typer.Option(
            "--soft-references",
            rich_help_panel="Output",
            help="Sample all columns without a foreign key for keys of the plan, and report the "
            "hits.",
        ),
    ] = False,
    canary: Annotated[
        bool,
        typer.Option(
            "--canary",
            rich_help_panel="Forecast",
            help="Measure: copy a few chunks of each table into temporary tables, rolled back; "
            "not on a replica.",
        ),
    ] = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show what a migration would do, what it costs and what stands against it. Reads only.

    With --canary it also writes to temporary tables, which nobody else sees and which do not stay.
    Exit code 3 when something stands against it; the plan is printed all the same. Exit code 4, and
    no plan, when somebody keeps a table locked against reading for ten seconds.
    """
    if as_json and as_sql:
        raise ConfigurationError("--json and --sql are two forms of one output; choose one")
    if as_sql and soft_references:
        raise ConfigurationError("--soft-references has no form as --sql; leave one of them out")
    flags = options.selection(table, schema, timestamp, time_zone, non_v4, grace, strategy)
    flags["accept_replication"] = accept_replication
    flags |= {"dsn": dsn, "server": server, "alembic_config": alembic_config}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        place = _place(revisions, head, run.settings.alembic_config)
        form = "json" if as_json else "sql" if as_sql else "table"
        print_plan(run, form, place, soft_references=soft_references, canary=canary)


def _place(revisions: str | None, head: str | None, config: str | None) -> RevisionPlace | None:
    if head is not None and (revisions is None or config is None):
        raise ConfigurationError("--head goes with --revisions and --alembic-config")
    if revisions is None:
        return None
    if not revisions and config is None:
        raise ConfigurationError("--revisions needs a DIR, or --alembic-config")
    return RevisionPlace(Path(revisions) if revisions else None, config, head)
