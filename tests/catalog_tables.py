"""Read one table back after running DDL."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from uuidmig.catalog.model import RelationName, Table
from uuidmig.catalog.read import read_catalog


def read_table(
    connection: psycopg.Connection[Any], ddl: LiteralString, name: str = "public.t"
) -> Table:
    """Run the DDL, read the catalog, return one table of it."""
    connection.execute(ddl)
    return read_catalog(connection).table(RelationName(*name.split(".", 1)))
