"""`uuidmig cutover`: swap in the new tables."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.confirm import confirm_database
from uuidmig.cli.ready import changes_only_defaults
from uuidmig.cli.session import session
from uuidmig.cli.talk import show

EXAMPLES = (
    "uuidmig cutover",
    "uuidmig cutover --lock-timeout 300ms",
    "uuidmig cutover --yes   # without a terminal",
)

_WHAT_HAPPENS = (
    "The new keys go live in {database}. Writers wait for a moment, how long is printed.\n"
    "Sessions should be restarted afterwards: an UPDATE by a remembered old key finds no row."
)

_DEFAULT_ONLY = (
    "The defaults of the key columns change in {database}: new keys are version 7 from then on.\n"
    "Writers wait for a moment, how long is printed. No present key changes."
)


def cutover(
    ctx: typer.Context,
    lock_timeout: options.LockTimeout = None,
    alembic_config: options.AlembicConfig = None,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Swap in the tables with the new keys, after `uuidmig migrate --cutover manual`.

    One transaction under short locks, tried again until it gets them; it ends nobody's session.
    Until `uuidmig finish` the way back is `uuidmig rollback`.
    """
    from uuidmig import engine
    from uuidmig.report.status import status_table

    flags = {"dsn": dsn, "server": server, "lock_timeout": lock_timeout}
    flags |= {"alembic_config": alembic_config}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        only_defaults = changes_only_defaults(run, "cutover", yes=yes)
        words = _DEFAULT_ONLY if only_defaults else _WHAT_HAPPENS
        what = words.format(database=run.database)
        confirm_database(what, run.database, run.talk, yes=yes)
        with run.progress() as observer:
            engine.cutover(run.dsn, observer, run.run_options)
        show(status_table(engine.status(run.dsn)))
