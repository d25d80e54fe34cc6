"""After the copy: purge, vacuum, indexes and constraints of the shadows."""

from __future__ import annotations

from psycopg import errors, sql

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Note, Observer
from uuidmig.engine.workers import run_tasks
from uuidmig.errors import MappingCollision
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.indexes import IndexBuild, index_builds, replica_identity
from uuidmig.steps.shadow import restore_autovacuum


def build(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    """Purge and vacuum the shadows, build their indexes side by side, set state "built".

    Every part may run again after a crash. Raises MappingCollision when new keys are not unique.
    """
    purge(dsn, plan, observer)
    run_tasks(dsn, options.workers, "vacuum", _by_size(plan), _vacuum, observer)
    failpoint("vacuumed")
    run_tasks(dsn, options.workers, "build", list(index_builds(plan)), _create, observer)
    failpoint("indexed")
    run_tasks(dsn, options.workers, "analyze", _by_size(plan), _analyze, observer)
    _attach(dsn, plan)


def purge(dsn: str, plan: Plan, observer: Observer) -> None:
    """Delete the rows the log names from the shadows: some were copied twice, as they moved.

    Only while no index was built; afterwards the drain does it row by row.
    """
    with connect(dsn, "purge") as connection:
        if any(_exists(connection, built) for built in index_builds(plan)):
            return
        connection.execute("SET work_mem = '128MB'")
        rows = journal.scalar(connection, sql.SQL("SELECT uuidmig.purge()"))
        observer.notify(Note(f"purged {rows} logged rows before the index builds", "debug"))
        failpoint("purged")


def _by_size(plan: Plan) -> list[ClosureTable]:
    return sorted(plan.tables, key=lambda table: -table.table.heap_bytes)


def _vacuum(connection: Connection, table: ClosureTable) -> None:
    """Before the indexes exist there is only the heap to read: hint bits and visibility map."""
    connection.execute(sql.SQL("VACUUM {}").format(table.shadow.identifier))


def _analyze(connection: Connection, table: ClosureTable) -> None:
    connection.execute(sql.SQL("ANALYZE {}").format(table.shadow.identifier))


def _create(connection: Connection, built: IndexBuild) -> None:
    if _exists(connection, built):
        return  # a plain CREATE INDEX is atomic: what is there is whole
    connection.execute("SET maintenance_work_mem = '256MB'")
    # An index that a crash of the server takes away is simply built again.
    connection.execute("SET synchronous_commit = off")
    try:
        connection.execute(built.create.query)
    except errors.UniqueViolation as error:
        what = f"{built.name} of {built.relation} cannot be built"
        raise MappingCollision(what, error.diag.message_detail) from error
    failpoint("index")


def _exists(connection: Connection, built: IndexBuild) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = %s::regclass AND c.relname = %s AND i.indisvalid)",
        [built.relation.identifier.as_string(connection), built.name],
    ).fetchone()
    return bool(row and row[0])


def _attach(dsn: str, plan: Plan) -> None:
    """Constraints, comments and settings in one transaction with the state: all or nothing."""
    with connect(dsn, "build") as connection, connection.transaction():
        for built in index_builds(plan):
            for statement in built.attach:
                connection.execute(statement.query)
        for table in plan.tables:
            for statement in (*replica_identity(table), *restore_autovacuum(table)):
                connection.execute(statement.query)
        journal.set_state(connection, "built")
        failpoint("attached")
