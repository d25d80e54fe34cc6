"""Catch-up: replay passes until the change log is short."""

from __future__ import annotations

import time

from psycopg import sql

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect, drain_snapshot
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.progress import Backlog, Observer, Waiting
from uuidmig.planner.model import Plan
from uuidmig.steps.capture import read_locks_at_once

SHORT = 500
"""A log of so many rows is replayed in some tens of milliseconds."""
_PASSES = 1000
_PAUSE_POLL_SECONDS = 0.5


def catch_up(dsn: str, observer: Observer) -> None:
    """Replay the change log until it is short and set state "caught_up"."""
    with connect(dsn, "drain") as connection:
        drain_until_short(connection, observer)
        journal.set_state(connection, "caught_up")


def drain_until_short(
    connection: Connection, observer: Observer, function: str = "drain", short: int = SHORT
) -> None:
    """Run replay passes until one had at most `short` rows; each is one snapshot.

    A pass takes time in which new rows gather; when passes stop shrinking the writers are as fast
    as the replay, and the short wait before each attempt is all that can be had.
    """
    backlog = "backlog" if function == "drain" else "back_backlog"
    last = None
    for _ in range(_PASSES):
        _rest_while_paused(connection, observer)
        observer.notify(Backlog(journal.backlog(connection, backlog)))
        rows = drain_snapshot(connection, function)
        failpoint(function)
        if rows <= short or (last is not None and rows > last * 0.9 and rows < 20 * short):
            return
        last = rows


def drain_beside_lock(connection: Connection, plan: Plan, lock_timeout_ms: int) -> int:
    """Run one replay pass while another session of ours keeps writers out with SHARE locks.

    Who asks for ACCESS EXCLUSIVE meanwhile waits for that session, and a read lock asked for after
    that waits for him: for ever, as no server sees that we hold the first for the sake of the last.
    So the read locks are taken at once or not at all, and no other wait is long. Raises
    LockNotAvailable: let go of the locks and begin again.
    """
    timeout = sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(lock_timeout_ms))
    return drain_snapshot(connection, "drain", (read_locks_at_once(plan).query, timeout))


def _rest_while_paused(connection: Connection, observer: Observer) -> None:
    while (reason := journal.pause_reason(connection)) is not None:
        observer.notify(Waiting("catch-up", reason))
        time.sleep(_PAUSE_POLL_SECONDS)
