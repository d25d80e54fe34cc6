"""`uuidmig rollback`: go back to the old keys after the cutover."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.confirm import confirm_database
from uuidmig.cli.ready import changes_only_defaults
from uuidmig.cli.session import session
from uuidmig.cli.talk import show

EXAMPLES = (
    "uuidmig rollback",
    "uuidmig rollback --yes",
)

_WHAT_HAPPENS = (
    "The old keys go live again in {database}; writes made since the cutover are kept.\n"
    "Writers wait for a moment. The tables with new keys stay until `uuidmig abort`."
)

_DEFAULT_ONLY = (
    "The old defaults of the key columns come back in {database}: new keys are version 4 again.\n"
    "Writers wait for a moment. Keys made since the cutover stay."
)


def rollback(
    ctx: typer.Context,
    alembic_config: options.AlembicConfig = None,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Put the old keys back, after the cutover and before `uuidmig finish`.

    What was written since the cutover is kept: rows born since keep their uuid7 keys.
    """
    from uuidmig import engine
    from uuidmig.report.status import status_table

    flags = {"dsn": dsn, "server": server, "alembic_config": alembic_config}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        only_defaults = changes_only_defaults(run, "rollback", yes=yes)
        words = _DEFAULT_ONLY if only_defaults else _WHAT_HAPPENS
        what = words.format(database=run.database)
        confirm_database(what, run.database, run.talk, yes=yes)
        with run.progress() as observer:
            engine.rollback(run.dsn, observer, run.run_options)
        show(status_table(engine.status(run.dsn)))
