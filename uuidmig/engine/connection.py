"""Connections as the engine needs them: autocommit, named, and loud about row security."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from uuidmig.errors import ConnectionFailed, MappingCollision, OldKeysCollide
from uuidmig.servers.dsn import redact

Connection = psycopg.Connection[Any]

# A dead peer is noticed within a minute: its row locks are the leases on its chunks.
_KEEPALIVE = {
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

# In one message: a run makes a few dozen connections. Ranges of pages are read by TID Range Scans:
# where a server has these switched off, each range would read the whole table.
_SETTINGS = """
SET row_security = off;
SET jit = off;
SET enable_tidscan = on;
SET idle_in_transaction_session_timeout = 0;
SET statement_timeout = 0
"""


def connect(dsn: str, purpose: str) -> Connection:
    """Return an autocommit connection whose application_name ends in `purpose`.

    row_security is off: under FORCE ROW LEVEL SECURITY a query then fails instead of silently
    seeing fewer rows. Raises ConnectionFailed, without the password.
    """
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            fallback_application_name=f"uuidmig:{purpose}",
            **_KEEPALIVE,  # type: ignore[arg-type]
        )
        _require_encoding(connection, dsn)
        connection.execute(_SETTINGS)
    except psycopg.OperationalError as error:
        raise ConnectionFailed(
            f"cannot connect to {redact(dsn) or 'the server of the environment'}: {error}"
        ) from error
    return connection


def _require_encoding(connection: Connection, dsn: str) -> None:
    """Without an encoding, as that of SQL_ASCII is none, psycopg returns bytes for names."""
    if connection.info.parameter_status("client_encoding") == "SQL_ASCII":
        connection.close()
        raise ConnectionFailed(
            f"cannot work with {redact(dsn) or 'the database of the environment'}: it has no"
            " encoding (SQL_ASCII), so nobody knows how its names are written; say it with"
            " client_encoding=UTF8 (or LATIN1, ...) in the connection string, or PGCLIENTENCODING"
        )


def drain_snapshot(
    connection: Connection, function: str, before: Sequence[sql.Composed] = ()
) -> int:
    """Run uuidmig.<function>() as one REPEATABLE READ transaction; return the rows it replayed.

    One snapshot: the log rows it takes and the rows it reads belong together. The statements
    `before` come first in that transaction. Raises MappingCollision, OldKeysCollide.
    """
    with telling_collision(back=function == "drain_back"), connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for statement in before:
            connection.execute(statement)
        row = connection.execute(
            sql.SQL("SELECT uuidmig.{}()").format(sql.Identifier(function))
        ).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def telling_collision(*, back: bool = False) -> Iterator[None]:
    """Rows of a replay are unique in their source: only the mapping can make them meet."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        what = f"{error.diag.constraint_name} of {error.diag.schema_name}.{error.diag.table_name}"
        collision = OldKeysCollide if back else MappingCollision
        raise collision(what, error.diag.message_detail) from error
