"""After the copy: purge, vacuum, indexes and constraints of the shadows."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from psycopg import errors, sql

from uuidmig.catalog.model import RelationName
from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Note, Observer
from uuidmig.engine.workers import run_tasks
from uuidmig.errors import MappingCollision
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_leaves
from uuidmig.steps.indexes import IndexBuild, index_builds, whole_tables

_IN_ORDER = 0.85  # of the time of an index whose keys lie in the heap as they come


@dataclass(frozen=True, slots=True)
class _Part:
    """One statement on a shadow: VACUUM, then each index. `index` None: the others.

    VACUUM comes first, while there is only the heap to read: it leaves hint bits and visibility
    map. ANALYZE goes with it, so that nothing is left to do when the last index is built; only
    where an index has expressions it comes after them, for it counts those too.
    """

    kind: str  # "vacuum" | "index" | "analyze"
    table: ClosureTable
    index: IndexBuild | None = None


def _cost(part: _Part) -> float:
    """What others wait for comes first, then the longest, and what nobody waits for last.

    Rows tell how long a sort takes, and whether they lie in order. Bytes do not: equal keys are
    kept once.
    """
    if part.kind == "vacuum":
        return math.inf
    if part.index is None:
        return -1.0
    return max(part.table.table.rows, 0.0) * (_IN_ORDER if part.index.in_order else 1)


class _Builder:
    """Runs the parts and knows which of them may follow. Shared by the workers."""

    def __init__(self, plan: Plan, workers: int) -> None:
        self._builds: dict[RelationName, list[IndexBuild]] = {}
        for built in index_builds(plan):
            self._builds.setdefault(built.relation, []).append(built)
        count = sum(map(len, self._builds.values()))
        # The workers are the parallelism: a process of its own sorts in memory, helpers through
        # files. They help only where there are more workers than indexes.
        self._helpers = max(workers // max(count, 1) - 1, 0)
        self._left = {relation: len(builds) for relation, builds in self._builds.items()}
        self._lock = threading.Lock()

    def run(self, connection: Connection, part: _Part) -> list[_Part]:
        """Run one part and return those that waited for it."""
        relation = part.table.shadow
        match part:
            case _Part("vacuum"):
                # Its commit would wait until all that the copy left in the WAL is on disk.
                connection.execute("SET synchronous_commit = off")
                analyze = sql.SQL("" if part.table.has_index_expressions else "(ANALYZE) ")
                connection.execute(sql.SQL("VACUUM {}{}").format(analyze, relation.identifier))
                failpoint("vacuumed")
                return [_Part("index", part.table, i) for i in self._builds.get(relation, [])]
            case _Part("index", index=IndexBuild() as index):
                _create(connection, index, self._helpers)
                analyze_now = part.table.has_index_expressions and self._is_last(relation)
                return [_Part("analyze", part.table)] if analyze_now else []
            case _:
                connection.execute(sql.SQL("ANALYZE {}").format(relation.identifier))
                return []

    def _is_last(self, relation: RelationName) -> bool:
        with self._lock:
            self._left[relation] -= 1
            return self._left[relation] == 0


def build(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    """Purge and vacuum the shadows, build their indexes side by side, set state "built".

    Every part may run again after a crash. Raises MappingCollision when new keys are not unique.
    """
    purge(dsn, plan, observer)
    builder = _Builder(plan, options.workers)
    parts = [_Part("vacuum", leaf) for leaf in all_leaves(plan)]
    run_tasks(dsn, options.workers, "build", parts, builder.run, observer, cost=_cost)
    failpoint("indexed")
    _analyze_partitioned(dsn, plan)
    _attach(dsn, plan)


def _analyze_partitioned(dsn: str, plan: Plan) -> None:
    """Autovacuum never gathers the statistics of a partitioned table as a whole."""
    with connect(dsn, "build") as connection:
        for table in plan.tables:
            if table.table.kind == "p":
                connection.execute(sql.SQL("ANALYZE {}").format(table.shadow.identifier))


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


def _create(connection: Connection, built: IndexBuild, helpers: int) -> None:
    if _exists(connection, built):
        return  # a plain CREATE INDEX is atomic: what is there is whole
    connection.execute("SET maintenance_work_mem = '256MB'")
    connection.execute(
        "SELECT set_config('max_parallel_maintenance_workers', %s, false)", [str(helpers)]
    )
    # An index that a crash of the server takes away is simply built again.
    connection.execute("SET synchronous_commit = off")
    connection.execute(built.place.query)
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
        for statement in whole_tables(plan):
            connection.execute(statement.query)
        journal.set_state(connection, "built")
        failpoint("attached")
