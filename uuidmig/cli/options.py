"""The options that several commands share, in their help panels.

Every default here is None: it means "not given", and then the environment, the configuration file
and the default of `uuidmig.config.Settings` have their turn.
"""

from __future__ import annotations

from typing import Annotated

import typer

_CONNECTION = "Connection"
_SELECTION = "Selection"
_BATCHING = "Batching"
_SAFETY = "Safety"
_OUTPUT = "Output"

Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        "-d",
        rich_help_panel=_CONNECTION,
        help="URI, key=value string, service=NAME or SQLAlchemy URL. "
        "(env UUIDMIG_DSN, default libpq's own environment)",
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        metavar="embedded|docker",
        rich_help_panel=_CONNECTION,
        help="Start a server of our own for trying out; it ends with the command. "
        "(env UUIDMIG_SERVER)",
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="TABLE",
        rich_help_panel=_SELECTION,
        help="Only the keys of this table, with all that references them; may be repeated. "
        "(env UUIDMIG_TABLES, default every table with uuid4 keys)",
    ),
]
Schemas = Annotated[
    list[str] | None,
    typer.Option(
        "--schema",
        metavar="SCHEMA",
        rich_help_panel=_SELECTION,
        help="Only the tables of this schema; may be repeated. (env UUIDMIG_SCHEMAS, default all)",
    ),
]
Timestamps = Annotated[
    list[str] | None,
    typer.Option(
        "--timestamp",
        metavar="TABLE=COLUMN",
        rich_help_panel=_SELECTION,
        help="The column that says when a row of this table was made; may be repeated. "
        "(env UUIDMIG_TIMESTAMPS, default chosen by the plan)",
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        rich_help_panel=_SELECTION,
        help="Zone of timestamp columns that have none. (env UUIDMIG_TIME_ZONE, default UTC)",
    ),
]
NonV4 = Annotated[
    str | None,
    typer.Option(
        "--non-v4",
        metavar="refuse|convert|keep",
        rich_help_panel=_SELECTION,
        help="What to do with keys that are neither version 4 nor 7. "
        "(env UUIDMIG_NON_V4, default refuse)",
    ),
]
Grace = Annotated[
    bool | None,
    typer.Option(
        "--grace/--no-grace",
        rich_help_panel=_SAFETY,
        show_default=False,
        help="After the cutover, go on taking old keys as references in writes. "
        "(env UUIDMIG_GRACE, default on)",
    ),
]
AcceptReplication = Annotated[
    bool | None,
    typer.Option(
        "--accept-replication",
        rich_help_panel=_SAFETY,
        show_default=False,
        help="Migrate published tables: publications are carried over, and every subscriber has "
        "to copy anew, as the plan says. (env UUIDMIG_ACCEPT_REPLICATION, default off)",
    ),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="rewrite|default-only",
        rich_help_panel=_SELECTION,
        help="default-only changes what makes new keys and leaves the present ones. "
        "(env UUIDMIG_STRATEGY, default rewrite)",
    ),
]
Batch = Annotated[
    str | None,
    typer.Option(
        metavar="auto|ROWS",
        rich_help_panel=_BATCHING,
        help="Rows a batch; auto adapts it to the server. (env UUIDMIG_BATCH, default auto)",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=_BATCHING,
        help="Workers that copy and build at once, each on a connection of its own, and on two"
        " while it copies on a quiet server. (env UUIDMIG_WORKERS, default 2)",
    ),
]
Cutover = Annotated[
    str | None,
    typer.Option(
        metavar="auto|manual",
        rich_help_panel=_SAFETY,
        help="manual stops before the cutover; `uuidmig cutover` goes on. "
        "(env UUIDMIG_CUTOVER, default auto)",
    ),
]
LockTimeout = Annotated[
    str | None,
    typer.Option(
        "--lock-timeout",
        metavar="DURATION",
        rich_help_panel=_SAFETY,
        help="Longest wait for locks in one attempt, never more than 80 % of the server's "
        "deadlock_timeout: 300ms, 800ms. "
        "(env UUIDMIG_LOCK_TIMEOUT, default 500ms)",
    ),
]
AlembicConfig = Annotated[
    str | None,
    typer.Option(
        "--alembic-config",
        metavar="FILE",
        rich_help_panel=_CONNECTION,
        help="alembic.ini or pyproject.toml of your Alembic environment: the revisions that "
        "`uuidmig plan --revisions` wrote there are run there. "
        "(env UUIDMIG_ALEMBIC_CONFIG, default an environment of uuidmig's own)",
    ),
]
Measure = Annotated[
    bool,
    typer.Option(
        "--measure",
        rich_help_panel=_OUTPUT,
        help="Measure indexes and inserts before the first step and after the cutover, for "
        "`uuidmig report`. Reads every page of the indexes; its inserts are rolled back.",
    ),
]
ReportFile = Annotated[
    str | None,
    typer.Option(
        "--report",
        metavar="FILE",
        rich_help_panel=_OUTPUT,
        help="Write what `uuidmig report` shows to this file: HTML, or JSON if it ends in .json.",
    ),
]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", rich_help_panel=_SAFETY, help="Do not ask; needed in scripts."),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", rich_help_panel=_OUTPUT, help="One JSON document on stdout."),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        rich_help_panel=_OUTPUT,
        help="Say more; show tracebacks.",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=_OUTPUT, help="Errors and data only."),
]
AsSql = Annotated[
    bool,
    typer.Option("--sql", rich_help_panel=_OUTPUT, help="A psql script on stdout, for review."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        rich_help_panel=_SAFETY,
        help="Run the checks, print the statements as `plan --sql` does, change nothing.",
    ),
]


def selection(
    tables: list[str] | None,
    schemas: list[str] | None,
    timestamps: list[str] | None,
    time_zone: str | None,
    non_v4: str | None,
    grace: bool | None,
    strategy: str | None,
) -> dict[str, object]:
    """Return the flags that say what to migrate, by the names of their settings."""
    return {
        "tables": tables,
        "schemas": schemas,
        "timestamps": timestamps,
        "time_zone": time_zone,
        "non_v4": non_v4,
        "grace": grace,
        "strategy": strategy,
    }
