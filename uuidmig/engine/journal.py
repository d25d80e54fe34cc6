"""The journal in schema uuidmig: what the run is, where it stands, and what happened when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from uuidmig.engine.connection import Connection
from uuidmig.errors import NoJournal, PlanMismatch, WrongState
from uuidmig.planner import plan_from_json
from uuidmig.planner.model import Plan, PlanOptions


@dataclass(frozen=True, slots=True)
class Run:
    """The one row of uuidmig.run."""

    tool_version: str
    plan_hash: str
    plan: Plan
    state: str
    state_changed_at: datetime
    paused: bool
    pause_reason: str | None


def exists(connection: Connection) -> bool:
    """Return whether the database holds a migration."""
    row = connection.execute("SELECT to_regclass('uuidmig.run') IS NOT NULL").fetchone()
    return bool(row and row[0])


def find_run(connection: Connection) -> Run | None:
    """Return the migration of this database, None when there is none."""
    if not exists(connection):
        return None
    row = connection.execute(
        "SELECT tool_version, plan_hash, plan::text, state, state_changed_at, paused, pause_reason"
        " FROM uuidmig.run"
    ).fetchone()
    if row is None:
        return None
    return Run(row[0], row[1], plan_from_json(row[2]), *row[3:])


def read_run(connection: Connection) -> Run:
    """Return the migration of this database; NoJournal when there is none."""
    run = find_run(connection)
    if run is None:
        raise NoJournal("no migration is under way in this database; `uuidmig migrate` starts one")
    return run


def state(connection: Connection) -> str:
    """Return the state the run is in."""
    return read_run(connection).state


def set_state(connection: Connection, new: str) -> None:
    """Move the run to state `new`; call it in the transaction of what it describes."""
    connection.execute(
        "UPDATE uuidmig.run SET state = %s, state_changed_at = clock_timestamp()", [new]
    )


def require(run: Run, command: str, *states: str) -> None:
    """Raise WrongState unless the run is in one of `states`."""
    if run.state not in states:
        raise WrongState(
            f"`uuidmig {command}` needs a run in state {' or '.join(states)},"
            f" this one is in state {run.state}; see `uuidmig status`"
        )


def require_version(run: Run, version: str) -> None:
    """Raise PlanMismatch when another version of uuidmig started the run."""
    if run.tool_version != version:
        raise PlanMismatch(
            f"the migration was started by uuidmig {run.tool_version}, this is {version}:"
            " go on with that version (before the cutover any version can `uuidmig abort`)"
        )


def require_same(run: Run, options: PlanOptions) -> None:
    """Raise PlanMismatch when the run was started with other options.

    Default options mean "whatever was chosen": resuming needs no flags.
    """
    if options not in (PlanOptions(), run.plan.options):
        raise PlanMismatch(
            "the migration under way was started with other options;"
            " run `uuidmig migrate` without them to resume it, or `uuidmig abort` first"
        )


def has_drifted(connection: Connection) -> bool:
    """Return whether the schema of the closure is another than at prepare."""
    changed = sql.SQL("SELECT uuidmig.fingerprint() IS DISTINCT FROM fingerprint FROM uuidmig.run")
    return bool(scalar(connection, changed))


def record(connection: Connection, kind: str, step: str, **detail: object) -> None:
    """Append an event to the journal."""
    connection.execute(
        "INSERT INTO uuidmig.event (kind, step, detail) VALUES (%s, %s, %s)",
        [kind, step, Jsonb(detail)],
    )


def set_paused(connection: Connection, paused: bool, reason: str | None) -> None:
    """Set or clear the pause flag, which workers read before each batch."""
    connection.execute("UPDATE uuidmig.run SET paused = %s, pause_reason = %s", [paused, reason])


def pause_reason(connection: Connection) -> str | None:
    """Return why the run is paused, None when it is not."""
    row = connection.execute("SELECT paused, pause_reason FROM uuidmig.run").fetchone()
    if row is None or not row[0]:
        return None
    return row[1] or "paused"


def backlog(connection: Connection, function: str = "backlog") -> int:
    """Return how many rows wait in the change logs (`back_backlog`: in those of the way back)."""
    query = sql.SQL("SELECT uuidmig.{}()").format(sql.Identifier(function))
    return int(scalar(connection, query))


def scalar(connection: Connection, query: sql.SQL | sql.Composed) -> Any:
    """Return the one value of the one row that the query gives."""
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def stretch_stall(connection: Connection, step: str) -> None:
    """Extend the last stall of `step` to this moment, after its commit."""
    connection.execute(
        "UPDATE uuidmig.event SET detail = detail || jsonb_build_object('ms', round("
        " (detail->>'ms')::numeric + 1000 * extract(epoch FROM clock_timestamp() - at), 1))"
        " WHERE id = (SELECT max(id) FROM uuidmig.event WHERE kind = 'stall' AND step = %s)",
        [step],
    )


def stalls(connection: Connection) -> tuple[tuple[str, float], ...]:
    """Return the recorded (step, milliseconds) for which writers had to wait at most."""
    rows = connection.execute(
        "SELECT step, (detail->>'ms')::double precision FROM uuidmig.event"
        " WHERE kind = 'stall' ORDER BY id"
    ).fetchall()
    return tuple((step, milliseconds) for step, milliseconds in rows)
