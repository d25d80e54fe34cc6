"""`uuidmig bench index`: measure uuid indexes and inserts now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from uuidmig.cli import options
from uuidmig.cli.inspect import named_tables
from uuidmig.cli.session import Session, session
from uuidmig.cli.talk import show, write

if TYPE_CHECKING:
    from uuidmig.bench.measurement import Measurement

EXAMPLES = (
    "uuidmig bench index",
    "uuidmig bench index --table public.orders --json",
)


def index(
    ctx: typer.Context,
    table: options.Tables = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Measure the indexes of uuid columns, page fill and a short insert probe.

    The probe's inserts go into a table of its own and are rolled back; no row of yours is touched.
    During a migration the tables measured are its own, unless --table says otherwise, and its
    journal keeps the result for `uuidmig report`. Density needs the extension pgstattuple, page
    fill pageinspect and a superuser.
    """
    from uuidmig.report.document import document
    from uuidmig.report.measurement import measurement_table

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet, tables=table) as run:
        found = _measure(run)
        if as_json:
            write(document({"measurement": found}))
        else:
            show(measurement_table(found))


def _measure(run: Session) -> Measurement:
    """Of chosen tables alone the journal keeps nothing: the report compares all with all."""
    from uuidmig.bench.measure import measure
    from uuidmig.engine.locks import reading
    from uuidmig.engine.measuring import measure_run

    with run.connect() as connection, reading(connection, "bench index"):
        if run.settings.tables:
            return measure(connection, named_tables(connection, run.settings.tables))
        kept = measure_run(run.dsn)
        if kept is None:
            return measure(connection)
        run.talk.say(f"kept in the journal as the measurement from {kept.stage} the cutover")
        return kept
