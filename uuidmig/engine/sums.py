"""Every row of both sides of all tables summed up at one snapshot, in parts, by the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psycopg import sql

from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Note, Observer
from uuidmig.engine.unforced import prepare_session, seeing_all_rows
from uuidmig.engine.workers import run_tasks
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import leaves
from uuidmig.planner.rerouting import comparable
from uuidmig.steps import comparing
from uuidmig.steps.foreign_keys import joins_in_index_order
from uuidmig.steps.model import Statement

_LEAST_PAGES_A_TASK = 1024
_MOST_PAGES_A_TASK = 131_072  # 1 GiB: a TRUNCATE by the application waits for one part only


@dataclass(frozen=True, slots=True)
class _Task:
    """One query of the comparison. `cost` is in heap pages, to start the longest first."""

    kind: str  # "source" | "shadow": sums of one side | "lost": references | "tails": of a domain
    subject: int  # the number of the table, of the domain for "tails"
    query: Statement
    cost: int
    without: tuple[str, ...] = ()  # ways of the planner that are slower here, as settings


@dataclass(slots=True)
class Sums:
    """Rows, hash sum and wrong rows of one side of one table: orphans in the source, keys that
    are not version 7 in the shadow."""

    rows: int = 0
    hashes: Decimal = Decimal(0)
    wrong: int = 0


@dataclass(slots=True)
class Comparison:
    """What the workers found, all parts together."""

    sums: dict[tuple[int, str], Sums] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)  # references without parent, by table
    shared_tails: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, task: _Task, row: tuple[Any, ...]) -> None:
        with self.lock:
            if task.kind == "tails":
                self.shared_tails += row[0]
            elif task.kind == "lost":
                self.lost[task.subject] = self.lost.get(task.subject, 0) + row[0]
            else:
                sums = self.sums.setdefault((task.subject, task.kind), Sums())
                sums.rows += row[0]
                sums.hashes += row[1]
                sums.wrong += row[2]


def compare(
    dsn: str, plan: Plan, options: RunOptions, snapshot: str, observer: Observer
) -> Comparison:
    """Compare all tables, the quick way first: it proves nothing where keys share their tails."""
    result = _run_all(dsn, plan, options, snapshot, by_tail=True)
    if result.shared_tails:
        observer.notify(Note("keys share their last 8 bytes: comparing again, with joins", "debug"))
        result = _run_all(dsn, plan, options, snapshot, by_tail=False)
    return result


def _run_all(
    dsn: str, plan: Plan, options: RunOptions, snapshot: str, *, by_tail: bool
) -> Comparison:
    result = Comparison()
    with connect(dsn, "verify") as connection:
        tasks = list(_all_tasks(connection, plan, options.workers, by_tail))

    def work(connection: Connection, task: _Task) -> None:
        prepare_session(connection, plan)
        _use_snapshot(connection, snapshot)
        for setting in task.without:
            connection.execute(sql.SQL("SET LOCAL {} = off").format(sql.Identifier(setting)))
        try:
            with seeing_all_rows(connection):
                row = connection.execute(task.query.query).fetchone()
            if row is None:
                raise LookupError(task.kind)
            result.add(task, row)
        finally:
            connection.rollback()

    run_tasks(dsn, options.workers, "verify", tasks, work, cost=lambda task: task.cost)
    return result


def _all_tasks(connection: Connection, plan: Plan, workers: int, by_tail: bool) -> Iterator[_Task]:
    domains: set[int] = set()
    for table in plan.tables:
        tails = by_tail and comparing.compares_by_tail(plan, table)
        for leaf in leaves(table):
            yield from _sides(connection, plan, comparable(table, leaf), workers, tails)
        if tails:
            domains |= {reference.domain for reference in table.references}
            yield from _lost_references(plan, table)
    for number in sorted(domains):
        domain = plan.domain(number)
        pages = plan.table(domain.root.table).table.pages
        # The aggregate itself sorts bare integers, twice as fast as the node below it sorts rows.
        without = ("enable_presorted_aggregate",) if plan.server.version >= 160000 else ()
        yield _Task("tails", number, comparing.shared_tails(plan, domain), pages, without)


def _lost_references(plan: Plan, table: ClosureTable) -> Iterator[_Task]:
    for key in comparing.key_references(table):
        query = comparing.lost_references(plan, table, key)
        # Two index-only scans in order: no hash, no sort, no heap, and half the time.
        without = ("enable_hashjoin",) if joins_in_index_order(plan, key) else ()
        yield _Task("lost", table.number, query, table.table.pages // 2, without)


def _sides(
    connection: Connection, plan: Plan, table: ClosureTable, workers: int, by_tail: bool
) -> Iterator[_Task]:
    """One part a worker of each side: a part hashes the table's parents once, if it has to.

    Both sides have the same rows in all partitions together, so their sums are added up.
    """
    for side, relation in (("source", table.name), ("shadow", table.shadow)):
        row = connection.execute(
            "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::bigint",
            [relation.identifier.as_string(connection)],
        ).fetchone()
        pages = int(row[0]) if row else 0
        part = min(max(_LEAST_PAGES_A_TASK, -(-pages // workers)), _MOST_PAGES_A_TASK)
        sums = comparing.source_sums if side == "source" else comparing.shadow_sums
        for first in range(0, max(pages, 1), part):
            last = first + part if first + part < pages else None
            query = sums(plan, table, first, last, by_tail=by_tail)
            yield _Task(side, table.number, query, min(part, pages))


def _use_snapshot(connection: Connection, snapshot: str) -> None:
    # The workers are the parallelism: more processes would only take turns.
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute("SET work_mem = '192MB'")
    connection.execute("SET random_page_cost = 1.1")
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
