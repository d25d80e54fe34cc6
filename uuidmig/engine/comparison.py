"""The gate: both sides compared at one snapshot, after a short lock that makes them meet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import errors, sql

from uuidmig.engine import journal
from uuidmig.engine.catchup import drain_beside_lock, drain_until_short
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.drift import find_drift
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.locks import lock_budget, with_retries
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Note, Observer, Stall
from uuidmig.engine.sums import Comparison, Sums, compare
from uuidmig.engine.unforced import prepare_session, seeing_all_rows
from uuidmig.errors import UuidmigError, VerificationFailed
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps import comparing, emptied
from uuidmig.steps.capture import lock_closure

_COMPARISONS = 20


def verify_plan(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    """Compare every row of every table through the mapping and set state "verified".

    Raises VerificationFailed, after setting the sticky state "verify_failed", with the tables and
    sample rows that differ. Raises LockNotObtained when the tables cannot be locked for a moment,
    UuidmigError when tables are rewritten again and again under the comparison.
    """
    result, problems = _compare_unmoved(dsn, plan, options, observer)
    failpoint("compared")
    with connect(dsn, "verify") as connection, connection.transaction():
        if problems and (drift := find_drift(connection)) is not None:
            raise drift
        if problems:
            journal.set_state(connection, "verify_failed")
            journal.record(connection, "verify_failed", "verify", problems=problems)
        else:
            rows = sum(s.rows for (_, side), s in result.sums.items() if side == "source")
            journal.record(connection, "verified", "verify", rows=rows)
            journal.set_state(connection, "verified")
    if problems:
        raise VerificationFailed(
            "the new tables differ from the old ones; nothing was switched:\n  - "
            + "\n  - ".join(problems)
            + "\nrun `uuidmig abort` to take everything back, and report this"
        )


def _compare_unmoved(
    dsn: str, plan: Plan, options: RunOptions, observer: Observer
) -> tuple[Comparison, list[str]]:
    """Return the sums and the problems, of a comparison during which no table's rows moved.

    A snapshot does not protect from TRUNCATE: it sees an empty table. Nor do page ranges mean the
    same after VACUUM FULL and CLUSTER. All of these give the table another file.
    """
    for _ in range(_COMPARISONS):
        with _common_snapshot(dsn, plan, options, observer) as (connection, snapshot, files):
            result = compare(dsn, plan, options, snapshot, observer)
            problems = _problems(connection, plan, result)
            if not problems or _files(connection) == files:
                return result, problems
        observer.notify(
            Note("a table was rewritten under the comparison, starting again", "warning")
        )
    raise UuidmigError(
        "a table was rewritten again and again (VACUUM FULL, TRUNCATE?) during verify"
    )


def _files(connection: Connection) -> list[tuple[Any, ...]]:
    """Return the present file of every source table or partition, whatever the snapshot."""
    return connection.execute(
        "SELECT table_number, number, pg_relation_filenode(source) FROM uuidmig.heap ORDER BY 1, 2"
    ).fetchall()


def _problems(connection: Connection, plan: Plan, result: Comparison) -> list[str]:
    differences = _differences(plan, result)
    lines = [line for found in differences.values() for line in found]
    samples = [line for table in differences for line in _samples(connection, plan, table)]
    return lines + samples


@contextmanager
def _common_snapshot(
    dsn: str, plan: Plan, options: RunOptions, observer: Observer
) -> Iterator[tuple[Connection, str, list[tuple[Any, ...]]]]:
    """Yield a connection inside a snapshot at which the log is empty, and the snapshot's name.

    The third are the files of the source tables at that moment.

    SHARE stops writers but not readers. While it is held the log is drained and the snapshot
    taken; that stall is the rehearsal of the cutover.
    """
    with connect(dsn, "drain") as drainer, connect(dsn, "verify") as holder:
        prepare_session(holder, plan)
        drain_until_short(drainer, observer)

        def attempt() -> tuple[str, list[tuple[Any, ...]], float]:
            return _meet(dsn, plan, options, drainer, holder)

        try:
            snapshot, files, stall = with_retries(
                dsn,
                "verify",
                "uuidmig:lock",
                observer,
                attempt,
                attempts=options.lock_attempts,
                on_failure=lambda: drain_until_short(drainer, observer),
            )
            journal.record(drainer, "stall", "verify", ms=round(stall, 1))
            observer.notify(Stall("verify", stall))
            yield holder, snapshot, files
        finally:
            holder.rollback()


def _meet(
    dsn: str, plan: Plan, options: RunOptions, drainer: Connection, holder: Connection
) -> tuple[str, list[tuple[Any, ...]], float]:
    with connect(dsn, "lock") as locker:
        budget = lock_budget(options.lock_timeout_ms, deadlock_timeout(locker))
        started = time.monotonic()
        # By this name the watcher finds whom it waits for, whatever PGAPPNAME says.
        locker.execute("SET application_name = 'uuidmig:lock'")
        locker.execute("BEGIN")
        locker.execute("SELECT set_config('uuidmig.lock_budget', %s, true)", [str(budget)])
        locker.execute(lock_closure(plan, "SHARE").query)
        _require_short_drain(locker, plan)
        drain_beside_lock(drainer, plan, budget)
        failpoint("locked")
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        row = holder.execute("SELECT pg_export_snapshot()").fetchone()
        files = _files(holder)
        locker.execute("ROLLBACK")
        stall = 1000 * (time.monotonic() - started)
    if row is None:
        raise LookupError("pg_export_snapshot")
    return row[0], files, stall


def _require_short_drain(locker: Connection, plan: Plan) -> None:
    """Raise LockNotAvailable rather than read whole tables while writers wait."""
    condition = emptied.waits(plan, "log")
    if condition is not None and journal.scalar(locker, sql.SQL("SELECT {}").format(condition)):
        raise errors.LockNotAvailable("a partition was truncated just now: catching up first")


def deadlock_timeout(connection: Connection) -> int:
    """Return the server's deadlock_timeout in milliseconds."""
    row = connection.execute(
        "SELECT setting::integer FROM pg_settings WHERE name = 'deadlock_timeout'"
    ).fetchone()
    return int(row[0]) if row else 1000


def _differences(plan: Plan, result: Comparison) -> dict[ClosureTable, list[str]]:
    found: dict[ClosureTable, list[str]] = {}
    for table in plan.tables:
        source = result.sums.get((table.number, "source"), Sums())
        shadow = result.sums.get((table.number, "shadow"), Sums())
        lines = []
        if source.rows != shadow.rows:
            lines.append(f"{table.name}: {source.rows} rows, new table {shadow.rows}")
        if source.hashes != shadow.hashes:
            lines.append(f"{table.name}: contents differ")
        if lost := source.wrong + result.lost.get(table.number, 0):
            lines.append(f"{table.name}: {lost} rows reference a key that is not there")
        if shadow.wrong:
            lines.append(f"{table.name}: {shadow.wrong} keys are not version 7")
        if lines:
            found[table] = lines
    return found


def _samples(connection: Connection, plan: Plan, table: ClosureTable) -> list[str]:
    with seeing_all_rows(connection):
        rows = connection.execute(comparing.differing_rows(plan, table).query).fetchall()
    return [f"{table.name}: {what}: {row}" for what, row in rows]
