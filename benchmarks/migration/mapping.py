"""The mapping of docs/design.md, section 1, as somebody would write it for this one database.

Written again and not taken from uuidmig: the outcome of `uuidmig migrate` is compared with it. All
keys here are of version 4 and all times lie in the past, so it needs no cases.
"""

from __future__ import annotations

from psycopg import sql

# mod() instead of its operator, which would have to be doubled beside parameters.
_NEW_KEY = sql.SQL(
    "encode(int8send(({us} / 1000) << 16 | 28672 | mod({us}, 1000) * 4096 / 1000)"
    " || substring(uuid_send({table}.id) from 9), 'hex')::uuid"
)
_MICROSECONDS = sql.SQL("(date_part('epoch', {table}.created_at) * 1000000)::bigint")


def new_key(table: str) -> sql.Composed:
    """Return the new key of a row of `table`, a table's name or alias in the statement."""
    name = sql.Identifier(table)
    return _NEW_KEY.format(table=name, us=_MICROSECONDS.format(table=name))
