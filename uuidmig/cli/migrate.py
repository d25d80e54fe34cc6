"""`uuidmig migrate`: run the plan, or go on where it stopped."""

from __future__ import annotations

from dataclasses import replace

import typer

from uuidmig.cli import options
from uuidmig.cli.confirm import confirm, require_answer
from uuidmig.cli.migrate_output import what_will_happen
from uuidmig.cli.plan_output import print_plan
from uuidmig.cli.session import session
from uuidmig.cli.talk import show

EXAMPLES = (
    "uuidmig migrate",
    "uuidmig migrate --cutover manual --workers 4",
    "uuidmig migrate --yes 2> migrate.log   # from cron or CI",
    "uuidmig migrate --alembic-config alembic.ini",
    "uuidmig migrate --measure   # then: uuidmig report --output report.html",
    "uuidmig migrate --dry-run > review.sql",
    "uuidmig migrate --strategy default-only",
)


def migrate(
    ctx: typer.Context,
    table: options.Tables = None,
    schema: options.Schemas = None,
    timestamp: options.Timestamps = None,
    time_zone: options.TimeZone = None,
    non_v4: options.NonV4 = None,
    grace: options.Grace = None,
    accept_replication: options.AcceptReplication = None,
    strategy: options.Strategy = None,
    batch: options.Batch = None,
    workers: options.Workers = None,
    cutover: options.Cutover = None,
    lock_timeout: options.LockTimeout = None,
    measure: options.Measure = False,
    dry_run: options.DryRun = False,
    alembic_config: options.AlembicConfig = None,
    yes: options.Yes = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Give all chosen keys version 7 while the application goes on; run it again to resume.

    Ctrl-C ends it after the batch under way, a second one at once; either way nothing is lost.
    """
    from uuidmig import engine
    from uuidmig.report.migration import migration_table

    flags = options.selection(table, schema, timestamp, time_zone, non_v4, grace, strategy)
    flags["accept_replication"] = accept_replication
    flags |= {"batch": batch, "workers": workers, "cutover": cutover, "lock_timeout": lock_timeout}
    flags |= {"alembic_config": alembic_config}
    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet, **flags) as run:
        if dry_run:
            print_plan(run, "sql")
            return
        require_answer(yes=yes)
        if not yes:  # the plan is shown to whoever is asked; making it counts all keys
            confirm(what_will_happen(run), "Go on?", run.talk, yes=yes)
        with run.progress() as observer:
            chosen = replace(run.run_options, measure=measure)
            report = engine.migrate(run.dsn, run.plan_options, chosen, observer)
        show(migration_table(report, engine.status(run.dsn).next_commands))
