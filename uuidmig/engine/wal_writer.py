"""Keeping the server's WAL writer at work while a long INSERT … SELECT fills the WAL buffers.

The WAL writer wakes up every wal_writer_delay (200 ms), or when a transaction commits with
synchronous_commit = off and much is not flushed yet (XLogSetAsyncXactLSN and XLogBackgroundFlush
in src/backend/access/transam/xlog.c). A long statement commits nothing and fills the buffers, a
few megabytes, every 10 ms: then all workers wait for the one that writes them out, and later for
one large flush. Small commits in between let the WAL writer flush a little at a time beside them.
"""

from __future__ import annotations

from uuidmig.engine.connection import Connection

WAKE_SECONDS = 0.01


def wake_wal_writer(connection: Connection) -> None:
    """Commit a transaction that changed nothing, without waiting for its flush."""
    connection.execute(
        # A transaction with an id has a commit record, whatever it did.
        "SELECT set_config('synchronous_commit', 'off', true), pg_current_xact_id()"
    )
