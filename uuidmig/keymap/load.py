"""Loading a key map into a table of another database."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from uuidmig.errors import ConfigurationError
from uuidmig.keymap.read import read_map


def import_map(connection: psycopg.Connection[TupleRow], path: Path, table: str) -> int:
    """Make the table (table_name text, old uuid, new uuid), fill it, index `old`; return its rows.

    `table` is written as in SQL. One transaction: the table is there with all keys, or not at all.
    Raises ConfigurationError for what is no name or a table that is there, KeyMapUnreadable,
    OSError.
    """
    name = _name(connection, table)
    try:
        return _fill(connection, path, name)
    except psycopg.errors.DuplicateTable as error:
        raise ConfigurationError(f"{table} is there already; name another --into") from error


def _name(connection: psycopg.Connection[TupleRow], table: str) -> sql.Identifier:
    try:
        row = connection.execute("SELECT parse_ident(%s)", [table]).fetchone()
    except psycopg.errors.InvalidParameterValue as error:
        raise ConfigurationError(f"{table!r} is no name of a table") from error
    return sql.Identifier(*(row[0] if row else [table]))


def _fill(connection: psycopg.Connection[TupleRow], path: Path, table: sql.Identifier) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE TABLE {} (table_name text NOT NULL, old uuid NOT NULL, new uuid NOT NULL)"
            ).format(table)
        )
        rows = 0
        copying = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table)
        with cursor.copy(copying) as copy:
            copy.set_types(["text", "uuid", "uuid"])
            for pair in read_map(path):
                copy.write_row((pair.table, pair.old, pair.new))
                rows += 1
        cursor.execute(sql.SQL("CREATE INDEX ON {} (old)").format(table))
        cursor.execute(sql.SQL("ANALYZE {}").format(table))
    return rows
