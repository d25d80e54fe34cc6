"""`uuidmig abort`: leave no trace of a migration before its cutover."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.confirm import confirm
from uuidmig.cli.ready import changes_only_defaults
from uuidmig.cli.session import session
from uuidmig.cli.talk import show

EXAMPLES = (
    "uuidmig abort",
    "uuidmig abort --yes",
)

_WHAT_HAPPENS = (
    "All copies and all other objects of uuidmig are dropped from {database}.\n"
    "The tables and their old keys are not touched. The copying done so far is lost."
)

_DEFAULT_ONLY = (
    "The journal of uuidmig is dropped from {database}.\n"
    "The tables and the defaults of their keys are not touched."
)


def abort(
    ctx: typer.Context,
    alembic_config: options.AlembicConfig = None,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Drop everything the migration made; the tables stay as they are. Before the cutover only.

    After a rollback it removes the tables that are left.
    """
    from uuidmig import engine
    from uuidmig.report.status import status_table

    flags = {"dsn": dsn, "server": server, "alembic_config": alembic_config}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        only_defaults = changes_only_defaults(run, "abort", yes=yes)
        words = _DEFAULT_ONLY if only_defaults else _WHAT_HAPPENS
        what = words.format(database=run.database)
        confirm(what, "Abort?", run.talk, yes=yes)
        with run.progress() as observer:
            engine.abort(run.dsn, observer, run.run_options)
        show(status_table(engine.status(run.dsn)))
