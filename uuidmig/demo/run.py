"""The demo: a shop with uuid4 keys is migrated while its application writes to it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import psycopg
from psycopg.conninfo import make_conninfo

from uuidmig.bench.measure import measure
from uuidmig.bench.measurement import Measurement
from uuidmig.catalog.model import RelationName
from uuidmig.demo.application import ApplicationRecord, application_record
from uuidmig.demo.condition import Condition, examine
from uuidmig.demo.data import load_shop
from uuidmig.demo.migration import migrate_shop
from uuidmig.demo.place import Place, demo_place
from uuidmig.demo.schema import SCHEMA, TABLES, create_shop
from uuidmig.demo.timeline import Timeline
from uuidmig.demo.writers import WriterReport, Writers
from uuidmig.engine.migration_record import MigrationRecord, read_migration
from uuidmig.engine.progress import Note, Observer, silent

CALM_SECONDS = 5.0
"""How long the writers work before the migration starts: what their latencies compare with."""

AFTERMATH_SECONDS = 1.0
"""How long they go on afterwards, with the keys they remember from before."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo showed. `migration` is the journal's record, with measurements, if asked for;
    `application` what its writers felt over time. `stalls` and latencies are the writers' own, in
    milliseconds; None when there were no writers (or no such step).

    `differences` has a line for each row that is not as its writer left it: it must be empty.
    """

    rows_loaded: int
    rows_migrated: int
    seconds: float
    writers: int
    transactions: int
    application_errors: tuple[str, ...]
    differences: tuple[str, ...]
    longest_stall_ms: float | None
    stall_at_verify_ms: float | None
    stall_at_cutover_ms: float | None
    p99_before_ms: float | None
    p99_during_ms: float | None
    before: Condition
    after: Condition
    application: ApplicationRecord | None = None
    migration: MigrationRecord | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """What came out of the migration itself; `start` and `end` in seconds since 1970."""

    rows: int
    start: float
    end: float
    timeline: Timeline
    report: WriterReport


def run_demo(
    server_dsn: str,
    *,
    orders: int = 100_000,
    writers: int = 8,
    rate: float | None = 200.0,
    measured: bool = False,
    observer: Observer = silent,
) -> DemoReport:
    """Create a shop in a database of its own on that server, migrate it under load, measure.

    `rate` is transactions a second by all writers together. Needs a superuser's `server_dsn`; the
    migration itself runs as an ordinary role. With `measured` the report's measurements are taken
    before the writers start and after they ended. Nothing is left behind. Raises what
    `uuidmig.engine.migrate` raises, and ConfigurationError when the rights do not suffice.
    """
    with demo_place(server_dsn) as place, psycopg.connect(place.dsn, autocommit=True) as connection:
        observer.notify(Note(f"loading {orders:,} orders and what goes with them"))
        create_shop(connection)
        rows = load_shop(connection, orders=orders)
        _checkpoint(server_dsn)
        before = examine(connection)
        measurements = [_measure(server_dsn, place, "before")] if measured else []
        application = Writers(place.dsn, writers, rate=rate)
        trial = _migrate_under_load(place.dsn, application, observer)
        observer.notify(Note("comparing the shop with what its writers remember"))
        differences = application.verify(connection)
        report = _report(rows, writers, trial, differences, before, examine(connection))
        if not measured:
            return report
        measurements.append(_measure(server_dsn, place, "after"))
        record = replace(read_migration(place.dsn), measurements=tuple(measurements))
        return replace(report, migration=record)


def _measure(server_dsn: str, place: Place, stage: str) -> Measurement:
    """As a superuser, who may look into pages."""
    dsn = make_conninfo(server_dsn, dbname=place.name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        available = "SELECT FROM pg_available_extensions WHERE name = 'pageinspect'"
        if connection.execute(available).rowcount:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
        return measure(connection, [RelationName(SCHEMA, name) for name in TABLES], stage=stage)


def _checkpoint(server_dsn: str) -> None:
    """Leave old WAL segments ready for reuse, as a server has them that is not brand-new.

    Without them each new one, 16 MB of zeroes and an fsync, is made while every COMMIT waits
    (XLogWrite in src/backend/access/transam/xlog.c).
    """
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _migrate_under_load(dsn: str, application: Writers, observer: Observer) -> _Trial:
    timeline = Timeline(observer)
    observer.notify(Note(f"writers at work, alone for {CALM_SECONDS:.0f} s"))
    application.start()
    try:
        time.sleep(CALM_SECONDS)
        start = time.time()
        rows = migrate_shop(dsn, timeline)
        end = time.time()
        time.sleep(AFTERMATH_SECONDS)
    finally:
        report = application.stop()
    return _Trial(rows, start, end, timeline, report)


def _report(
    rows: int,
    writers: int,
    trial: _Trial,
    differences: list[str],
    before: Condition,
    after: Condition,
) -> DemoReport:
    report = trial.report
    return DemoReport(
        rows_loaded=rows,
        rows_migrated=trial.rows,
        seconds=trial.end - trial.start,
        writers=writers,
        transactions=report.transactions,
        application_errors=tuple(
            f"{error.sqlstate or '-'}: {error.message}" for error in report.errors
        ),
        differences=tuple(differences),
        longest_stall_ms=report.during(trial.start, trial.end).longest_stall_ms,
        stall_at_verify_ms=_stall(trial, "verify"),
        stall_at_cutover_ms=_stall(trial, "cutover"),
        p99_before_ms=report.during(0.0, trial.start).p99,
        p99_during_ms=report.during(*(trial.timeline.span("copy") or (trial.start, trial.end))).p99,
        before=before,
        after=after,
        application=application_record(
            report,
            trial.timeline,
            writers=writers,
            start=trial.start,
            end=trial.end,
            differences=len(differences),
        ),
    )


def _stall(trial: _Trial, step: str) -> float | None:
    span = trial.timeline.span(step)
    return None if span is None else trial.report.during(*span).longest_stall_ms
