"""`uuidmig backup`: the tables under their old keys, as an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import write

EXAMPLES = (
    "uuidmig backup --output shop-before.dump",
    "uuidmig backup --output shop-before.dump --schema shop --dsn service=shop",
    "pg_restore --list shop-before.dump",
)


def backup(
    ctx: typer.Context,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", dir_okay=False, help="In pg_dump's custom format."),
    ],
    table: options.Tables = None,
    schema: options.Schemas = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Write the database's schema, and the rows of the tables to migrate, by pg_dump. Reads only.

    Before the cutover: afterwards the tables have new keys, and it is refused. Needs a pg_dump on
    PATH that is at least as new as the server.
    """
    from uuidmig.backup.make import back_up
    from uuidmig.report.document import document
    from uuidmig.report.units import counted, duration, size

    flags = {"dsn": dsn, "server": server, "tables": table, "schemas": schema}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        done = back_up(
            run.dsn,
            output,
            run.plan_options,
            programs=run.programs,
            lock_timeout_ms=run.settings.lock_timeout,
        )
        for warning in done.warnings:
            run.talk.say(warning)
        if done.compression != "zstd":
            run.talk.say(f"compressed with gzip: pg_dump {done.pg_dump} here has no zstd")
        if as_json:
            write(document({"backup": done}))
        else:
            write(
                f"{done.file}: the rows of {counted(len(done.tables), 'table')},"
                f" {size(done.bytes)}, {duration(done.seconds)}"
            )
