"""`uuidmig finish`: drop the retired tables."""

from __future__ import annotations

import typer

from uuidmig.cli import options
from uuidmig.cli.confirm import confirm_database
from uuidmig.cli.ready import changes_only_defaults
from uuidmig.cli.session import session
from uuidmig.cli.talk import show

EXAMPLES = (
    "uuidmig finish",
    "uuidmig finish --report report.html",
    "uuidmig finish --yes",
)

_WHAT_HAPPENS = (
    "The retired tables, the map from old to new keys and all else of uuidmig are dropped from\n"
    "{database}. There is no way back, and writes with old keys fail from then on."
)

_DEFAULT_ONLY = (
    "The journal of uuidmig is dropped from {database}; the new defaults stay.\n"
    "There is no way back by `uuidmig rollback` then."
)


def finish(
    ctx: typer.Context,
    report: options.ReportFile = None,
    alembic_config: options.AlembicConfig = None,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Drop the retired tables with the old keys and all objects of uuidmig. No way back.

    Old keys are no longer translated afterwards, and `uuidmig lookup` no longer knows them. What
    `uuidmig report` shows goes too: --report writes it to a file first.
    """
    from uuidmig import engine
    from uuidmig.cli.report_file import migration_document, write_report
    from uuidmig.report.status import status_table

    flags = {"dsn": dsn, "server": server, "alembic_config": alembic_config}
    with session(ctx, verbose=verbose, quiet=quiet, **flags) as run:
        only_defaults = changes_only_defaults(run, "finish", yes=yes)
        words = _DEFAULT_ONLY if only_defaults else _WHAT_HAPPENS
        what = words.format(database=run.database)
        confirm_database(what, run.database, run.talk, yes=yes)
        if report is not None:  # before anything is dropped, or nothing is
            write_report(migration_document(run.dsn), report, run.talk)
        with run.progress() as observer:
            engine.finish(run.dsn, observer, run.run_options)
        show(status_table(engine.status(run.dsn)))
