"""`uuidmig inspect`: how the uuid indexes are, and which versions the keys have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from uuidmig.cli import options
from uuidmig.cli.session import session
from uuidmig.cli.talk import show, write

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from uuidmig.catalog.model import RelationName

EXAMPLES = (
    "uuidmig inspect",
    "uuidmig inspect --table public.orders",
    "uuidmig inspect --json | jq '.indexes[] | select(.leaf_density < 70)'",
)


def inspect(
    ctx: typer.Context,
    table: options.Tables = None,
    as_json: options.AsJson = False,
    dsn: options.Dsn = None,
    server: options.Server = None,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Show size, leaf density, fragmentation and keys by version of every uuid index. Reads only.

    Density and fragmentation need the extension pgstattuple.
    """
    from uuidmig.bench.index_health import inspect_indexes
    from uuidmig.engine.locks import reading
    from uuidmig.report.document import document
    from uuidmig.report.index_health import index_health_table

    with session(ctx, dsn=dsn, server=server, verbose=verbose, quiet=quiet, tables=table) as run:
        with run.connect() as connection, reading(connection, "inspect"):
            found = inspect_indexes(connection, named_tables(connection, run.settings.tables))
        if as_json:
            write(document({"indexes": found}))
        else:
            show(index_health_table(found))


def named_tables(
    connection: psycopg.Connection[TupleRow], tables: tuple[str, ...]
) -> list[RelationName] | None:
    """Return the tables that these names mean, None for none given. ConfigurationError."""
    from uuidmig.catalog.read import read_catalog
    from uuidmig.planner.selection import find_table

    if not tables:
        return None
    catalog = read_catalog(connection)
    return [find_table(catalog, table).name for table in tables]
