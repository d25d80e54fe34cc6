"""Measurements of a run, before and after its cutover, kept in the journal.

The table is made when the first one is kept: a run without them has no trace of it, and `abort`
and `finish` drop it with the rest of the schema.
"""

from __future__ import annotations

import psycopg

from uuidmig.bench.measure import measure
from uuidmig.bench.measurement import Measurement, from_json, to_json
from uuidmig.catalog.model import RelationName
from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.locks import reading
from uuidmig.engine.progress import Note, Observer, StepFinished, StepStarted
from uuidmig.errors import LockNotObtained
from uuidmig.planner.model import Plan

BEFORE, AFTER = "before", "after"
_AFTER_CUTOVER = ("cutover", "validated", "switched")

_TABLE = (
    "CREATE TABLE IF NOT EXISTS uuidmig.measurement"
    " (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stage text NOT NULL,"
    " document text NOT NULL)"
)


def stage_of(state: str) -> str:
    """Return whether a measurement in that state is one of before the cutover or after it."""
    return AFTER if state in _AFTER_CUTOVER else BEFORE


def measured_tables(plan: Plan) -> tuple[RelationName, ...]:
    """Return the tables whose keys, or whose makers of keys, the plan changes."""
    if plan.default_only:
        return tuple(dict.fromkeys(switch.column.table for switch in plan.switches))
    return tuple(table.name for table in plan.tables)


def take(dsn: str, plan: Plan, stage: str, observer: Observer) -> Measurement:
    """Measure the tables of the plan; see `uuidmig.bench.measure`. Raises LockNotObtained."""
    observer.notify(StepStarted("measure", f"measure indexes and inserts {stage} the cutover"))
    with connect(dsn, "measure") as connection, reading(connection, "measure"):
        found = measure(connection, measured_tables(plan), stage=stage)
    observer.notify(StepFinished("measure", found.seconds))
    return found


def keep(connection: Connection, measurement: Measurement) -> None:
    """Put a measurement into the journal; a later one of the same stage counts instead."""
    with connection.transaction():
        connection.execute(_TABLE)
        connection.execute(
            "INSERT INTO uuidmig.measurement (stage, document) VALUES (%s, %s)",
            [measurement.stage, to_json(measurement)],
        )


def kept(connection: Connection) -> tuple[Measurement, ...]:
    """Return the last measurement of each stage, before first."""
    if not _exists(connection):
        return ()
    rows = connection.execute(
        "SELECT DISTINCT ON (stage) stage, document FROM uuidmig.measurement"
        " ORDER BY stage DESC, id DESC"
    ).fetchall()
    return tuple(from_json(document) for _, document in rows)


def measure_run(dsn: str) -> Measurement | None:
    """Measure the tables of this database's migration and keep that; None without a migration.

    Raises LockNotObtained, of the command `bench index`.
    """
    with connect(dsn, "measure") as connection, reading(connection, "bench index"):
        run = journal.find_run(connection)
        if run is None:
            return None
        tables, stage = measured_tables(run.plan), stage_of(run.state)
        found = measure(connection, tables, stage=stage)
        keep(connection, found)
        return found


def fill_in(dsn: str, connection: Connection, plan: Plan, observer: Observer) -> None:
    """Measure and keep what the state allows and the journal lacks.

    After the cutover nothing depends on it any more: a failure is told, and raises nothing.
    """
    stage = stage_of(journal.state(connection))
    if stage in (one.stage for one in kept(connection)):
        return
    if stage == BEFORE:
        keep(connection, take(dsn, plan, stage, observer))
        return
    try:
        keep(connection, take(dsn, plan, stage, observer))
    except (psycopg.Error, LockNotObtained) as error:
        again = "`uuidmig bench index` tries it again"
        told = f"no measurement after the cutover: {_reason(error)}; {again}"
        observer.notify(Note(told, "warning"))


def _reason(error: psycopg.Error | LockNotObtained) -> str:
    if isinstance(error, LockNotObtained):
        return str(error)
    return error.diag.message_primary or type(error).__name__


def complete(dsn: str, connection: Connection, plan: Plan, observer: Observer) -> None:
    """After the cutover, measure a run that was measured before it."""
    if stage_of(journal.state(connection)) == AFTER and kept(connection):
        fill_in(dsn, connection, plan, observer)


def _exists(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass('uuidmig.measurement') IS NOT NULL").fetchone()
    return bool(row and row[0])
