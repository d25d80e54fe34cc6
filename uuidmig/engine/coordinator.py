"""One coordinator a database, by an advisory lock on a connection of its own.

The lock is polled, never waited for: a session that waits for an advisory lock deadlocks with
CREATE INDEX CONCURRENTLY. The server frees it when the process dies.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.status_model import Coordinator
from uuidmig.errors import AlreadyRunning

_KEY = 0x75756964  # "uuid"; locks are per database
_PATIENCE_SECONDS = 2.0  # the server may take a moment to notice that a predecessor died
_PREFIX = "uuidmig coordinator "


@contextmanager
def coordinate(dsn: str) -> Iterator[Connection]:
    """Hold the coordinator's place and yield its connection; AlreadyRunning says who has it."""
    connection = connect(dsn, "coordinator")
    with connection:
        name = f"{_PREFIX}{os.getpid()} {socket.gethostname()}"
        connection.execute(sql.SQL("SET application_name = {}").format(sql.Literal(name[:63])))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _try_lock(connection):
            if time.monotonic() > deadline:
                raise AlreadyRunning(_who(connection))
            time.sleep(0.1)
        yield connection


def _try_lock(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_KEY]).fetchone()
    return bool(row and row[0])


def current_coordinator(connection: Connection) -> Coordinator | None:
    """Return who coordinates a migration of this database, None when nobody does."""
    row = connection.execute(
        "SELECT a.application_name, a.backend_start FROM pg_locks l"
        " JOIN pg_stat_activity a ON a.pid = l.pid"
        " JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
        " WHERE l.locktype = 'advisory' AND l.granted"
        " AND l.classid = 0 AND l.objid = %s::bigint::oid AND l.objsubid = 1",
        [_KEY],
    ).fetchone()
    if row is None:
        return None
    pid, _, host = row[0].removeprefix(_PREFIX).partition(" ")
    return Coordinator(host or None, int(pid) if pid.isdigit() else 0, row[1])


def _who(connection: Connection) -> str:
    other = current_coordinator(connection)
    if other is None:
        return "another uuidmig process works on this database; try again in a moment"
    return (
        f"another uuidmig process works on this database: host {other.host or 'unknown'},"
        f" pid {other.pid}, since {other.since:%Y-%m-%d %H:%M:%S %Z};"
        " wait for it, or end it: nothing is lost, the next run resumes"
    )
