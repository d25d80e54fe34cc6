"""Locks that an application might notice: short waits, bounded retries, and a word who blocks."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import errors

from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.progress import Blocker, LockRetry, Observer
from uuidmig.errors import LockNotObtained

RETRIED = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
READ_TIMEOUT_MS = 10_000  # TRUNCATE and ALTER TABLE are done by then, or somebody should look
_LONGEST_PAUSE_SECONDS = 10.0
_MOST_TOLD = 10
_POLL_SECONDS = 0.015  # while a lock is held the next is waited for 25 ms at first


def lock_budget(lock_timeout_ms: int, deadlock_timeout_ms: int) -> int:
    """Return the budget for all waits of one attempt, in milliseconds.

    It stays under deadlock_timeout: we give up before the server looks for a victim, so the
    application is never it.
    """
    return max(1, min(lock_timeout_ms, deadlock_timeout_ms * 8 // 10))


def with_retries[Result](
    dsn: str,
    step: str,
    application_name: str,
    observer: Observer,
    attempt: Callable[[], Result],
    *,
    attempts: int,
    on_failure: Callable[[], None] = lambda: None,
) -> Result:
    """Run `attempt` until it gets its locks; it must leave nothing behind when it fails.

    `application_name` names the session that waits, to find its blockers; `on_failure` runs
    before each further attempt. Raises LockNotObtained after so many `attempts`.
    """
    blockers: tuple[Blocker, ...] = ()
    for number in range(1, attempts + 1):
        try:
            with _watch(dsn, application_name) as seen:
                return attempt()
        except RETRIED:
            blockers = tuple(seen.blockers.values())
            observer.notify(LockRetry(step, number, blockers))
        time.sleep(min(_LONGEST_PAUSE_SECONDS, 0.1 * 1.3**number) * random.uniform(0.5, 1.0))
        on_failure()  # after the pause: a catch-up is worth most right before the next attempt
    raise LockNotObtained(
        f"{step}: no lock in {attempts} attempts, nothing was changed;"
        f" in the way: {_describe(blockers)}; run the command again when they are done"
    )


def bound_reads(connection: Connection) -> None:
    """Let no statement of this connection wait for a lock any longer than READ_TIMEOUT_MS."""
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{READ_TIMEOUT_MS}ms"])


@contextmanager
def reading(connection: Connection, command: str) -> Iterator[None]:
    """Within the block wait for nobody long, and say who is in the way: LockNotObtained.

    For autocommit connections. `command` is what people typed, or the step.
    """
    bound_reads(connection)
    try:
        yield
    except errors.LockNotAvailable:
        raise LockNotObtained(
            f"{command}: a table could not be read for {READ_TIMEOUT_MS / 1000:g} s;"
            f" in the way: {_told_in_the_way(connection)};"
            " run the command again when they are done"
        ) from None


def _told_in_the_way(connection: Connection) -> str:
    """Return, for people, who holds or waits for a lock that lets nobody read a table, and which.

    A lock on an index alone, as of REINDEX INDEX, keeps readers off its table too. Tables that
    another session is just creating, and temporary ones, are in nobody's way.
    """
    rows = connection.execute(
        "SELECT format('%%I.%%I', n.nspname, c.relname), a.pid, coalesce(a.application_name, ''),"
        " coalesce(left(a.query, 200), ''),"
        " coalesce(date_part('epoch', clock_timestamp() - a.xact_start), 0)"
        " FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " LEFT JOIN pg_index i ON i.indexrelid = l.relation"
        " JOIN pg_class c ON c.oid = coalesce(i.indrelid, l.relation)"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE d.datname = current_database() AND l.locktype = 'relation'"
        " AND l.mode = 'AccessExclusiveLock' AND c.relkind IN ('r', 'p', 'm')"
        " AND c.relpersistence <> 't' GROUP BY 1, 2, 3, 4, a.xact_start"
        " ORDER BY 1, bool_or(l.granted) DESC, a.pid LIMIT %s",
        [_MOST_TOLD],
    ).fetchall()
    if not rows:
        return _describe(())
    return ", ".join(f"{table}: {_describe((Blocker(*who),))}" for table, *who in rows)


def _describe(blockers: tuple[Blocker, ...]) -> str:
    if not blockers:
        return "nobody that this role may see"
    return ", ".join(
        f"pid {b.pid} ({b.application or 'no name'}, {b.age_seconds:.0f} s): {b.query[:80]}"
        for b in blockers
    )


@dataclass(slots=True)
class _Seen:
    blockers: dict[int, Blocker] = field(default_factory=dict)


@contextmanager
def _watch(dsn: str, application_name: str) -> Iterator[_Seen]:
    """Collect who blocks the session of that name while the block runs; kills nobody."""
    seen, stop = _Seen(), threading.Event()
    watcher = threading.Thread(
        target=_poll, args=(dsn, application_name, seen, stop), name="lock-watch", daemon=True
    )
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def _poll(dsn: str, application_name: str, seen: _Seen, stop: threading.Event) -> None:
    try:
        with connect(dsn, "lock watch") as connection:
            while not stop.wait(_POLL_SECONDS):
                rows = connection.execute(
                    "SELECT DISTINCT b.pid, coalesce(b.application_name, ''),"
                    " coalesce(left(b.query, 200), ''),"
                    " coalesce(date_part('epoch', clock_timestamp() - b.xact_start), 0)"
                    " FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) AS blocking(pid)"
                    " JOIN pg_stat_activity b ON b.pid = blocking.pid"
                    " WHERE w.application_name = %s AND w.wait_event_type = 'Lock'"
                    " AND w.datname = current_database()",
                    [application_name],
                ).fetchall()
                seen.blockers.update({row[0]: Blocker(*row) for row in rows})
    except psycopg.Error:
        return  # only a help for people: never in the way of the work itself
