"""A migration with nothing but the steps: one connection, no engine, everything in order.

Every stage is a method; tests put changes of the application between them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import LockNotAvailable

from uuidmig.catalog.key_counts import count_keys
from uuidmig.catalog.model import RelationName
from uuidmig.catalog.read import read_catalog
from uuidmig.planner import build_plan, candidate_roots
from uuidmig.planner.model import ClosureTable, Plan, PlanOptions
from uuidmig.planner.partitions import all_leaves, leaves
from uuidmig.planner.rerouting import comparable
from uuidmig.steps import comparing, foreign_keys, indexes, journal
from uuidmig.steps.copying import copy_statement
from uuidmig.steps.mapped import mapped_select
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.revisions import cutover_steps, finish_steps, prepare_steps

Connection = psycopg.Connection[Any]
Rows = Counter[tuple[str | None, ...]]


def make_plan(connection: Connection, options: PlanOptions | None = None) -> Plan:
    """Return the plan of the database, refusals and all. The connection is in autocommit mode."""
    options = options or PlanOptions()
    catalog = read_catalog(connection)
    roots = candidate_roots(catalog, options)
    counts = {root: count_keys(connection, root.table, root.column) for root in roots}
    return build_plan(catalog, options, counts, tool_version="test", now=datetime.now(UTC))


def rows_of(connection: Connection, table: ClosureTable, relation: RelationName) -> Rows:
    """Return the rows of a relation shaped like `table`, as text, generated columns included."""
    columns = [column.name for column in table.table.columns]
    return _texts(connection, relation.identifier, columns)


def _texts(connection: Connection, rows: sql.Composable, columns: Iterable[str]) -> Rows:
    texts = sql.SQL(", ").join(
        [sql.SQL("{}::text").format(sql.Identifier("r", c)) for c in columns]
    )
    found = connection.execute(sql.SQL("SELECT {} FROM {} AS r").format(texts, rows)).fetchall()
    return Counter(found)


@dataclass(slots=True)
class Migration:
    """One migration of the database behind `connection` (autocommit, the owner's)."""

    connection: Connection
    plan: Plan

    @classmethod
    def of(cls, connection: Connection, options: PlanOptions | None = None) -> Migration:
        """Plan the migration; refusals fail the test."""
        plan = make_plan(connection, options)
        assert plan.refusals == (), plan.refusals
        connection.execute("SET jit = off")  # as the engine's own sessions
        return cls(connection, plan)

    def run(self, statements: Iterable[Statement]) -> None:
        """Run statements as a revision does: their text, one by one."""
        for statement in statements:
            try:
                self.connection.execute(statement.text.encode())
            except psycopg.Error as error:
                error.add_note(statement.text)
                raise

    def run_steps(self, steps: Iterable[Step]) -> None:
        self._attempt([statement for step in steps for statement in step.apply])

    def undo_steps(self, steps: tuple[Step, ...]) -> None:
        self._attempt([statement for step in reversed(steps) for statement in step.undo])

    def _attempt(self, statements: Sequence[Statement]) -> None:
        """Run them in one transaction; as the engine does, again where autovacuum had a table."""
        for left in reversed(range(10)):
            try:
                with self.connection.transaction():
                    self.run(statements)
            except LockNotAvailable:
                if not left:
                    raise
                time.sleep(0.5)
            else:
                return

    def prepare(self) -> None:
        self.run_steps(prepare_steps(self.plan))

    def abort(self) -> None:
        self.undo_steps(prepare_steps(self.plan))

    def copy(self, between: Callable[[], object] | None = None) -> None:
        """Copy every table in two halves, the first as several ranges of pages; `between` runs
        after the first half of all tables."""
        halves = {leaf.name: self._pages(leaf) // 2 for leaf in all_leaves(self.plan)}
        for leaf in all_leaves(self.plan):
            half = halves[leaf.name]
            quarter = half // 2
            self.run([copy_statement(self.plan, leaf, (0, quarter), (quarter, half))])
        if between is not None:
            between()
        for leaf in all_leaves(self.plan):
            self.run([copy_statement(self.plan, leaf, (halves[leaf.name], None))])

    def _pages(self, table: ClosureTable) -> int:
        size = sql.SQL("SELECT pg_relation_size({}) / 8192").format(
            sql.Literal(table.name.identifier.as_string(None))
        )
        row = self.connection.execute(size).fetchone()
        assert row is not None
        return int(row[0])

    def purge(self) -> None:
        self.call("purge")

    def drain(self) -> int:
        return self.call("drain")

    def call(self, function: str) -> int:
        """Call uuidmig.<function>() in a REPEATABLE READ transaction of its own."""
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            query = sql.SQL("SELECT {}()").format(sql.Identifier("uuidmig", function))
            row = self.connection.execute(query).fetchone()
        assert row is not None
        return int(row[0] or 0)

    def build_indexes(self) -> None:
        builds = indexes.index_builds(self.plan)
        self.run(statement for build in builds for statement in (build.place, build.create))
        self.run(statement for build in builds for statement in build.attach)
        self.run(indexes.whole_tables(self.plan))

    def verify(self) -> None:
        """Compare sums, orphans and every row, then say so in the journal."""
        for table in self.plan.tables:
            self.check_sums(table)
            assert self.mapped_rows(table) == self.shadow_rows(table), table.name
        self.run([journal.set_state("verified")])

    def check_sums(self, table: ClosureTable) -> None:
        ways = (False, True) if comparing.compares_by_tail(self.plan, table) else (False,)
        for by_tail in ways:
            source = self.sums(table, comparing.source_sums, by_tail=by_tail)
            copied = self.sums(table, comparing.shadow_sums, by_tail=by_tail)
            assert source == copied, (table.name, by_tail)
            assert source[2] == 0, f"{table.name}: orphans"
        for key in comparing.key_references(table) if True in ways else ():
            assert self.one(comparing.lost_references(self.plan, table, key)) == (0,)
        differing = comparing.differing_rows(self.plan, table)
        assert self.connection.execute(differing.text.encode()).fetchall() == []

    def sums(
        self, table: ClosureTable, side: Callable[..., Statement], *, by_tail: bool
    ) -> list[Any]:
        """Return rows, hash sum and wrong rows of one side of a table, all partitions together."""
        parts = [
            self.one(side(self.plan, comparable(table, leaf), 0, None, by_tail=by_tail))
            for leaf in leaves(table)
        ]
        return [sum(column) for column in zip(*parts, strict=True)] or [0, 0, 0]

    def one(self, statement: Statement) -> tuple[Any, ...]:
        row = self.connection.execute(statement.text.encode()).fetchone()
        assert row is not None
        return tuple(row)

    def mapped_rows(self, table: ClosureTable) -> Rows:
        """Return the live rows through the mapping, as they must be in the shadow."""
        rows = sql.SQL("({})").format(mapped_select(self.plan, table))
        return _texts(self.connection, rows, table.copied_columns)

    def shadow_rows(self, table: ClosureTable) -> Rows:
        return _texts(self.connection, table.shadow.identifier, table.copied_columns)

    def copied_rows(self, table: ClosureTable) -> Rows:
        """Return the rows of the table that bears the live name, without generated columns."""
        return _texts(self.connection, table.name.identifier, table.copied_columns)

    def assert_shadows_equal(self) -> None:
        for table in self.plan.tables:
            mapped, copied = self.mapped_rows(table), self.shadow_rows(table)
            assert mapped == copied, (str(table.name), mapped - copied, copied - mapped)

    def fill(self, between: Callable[[], object] | None = None) -> None:
        """From the copy to the state `verified`."""
        self.copy(between)
        self.purge()
        self.build_indexes()
        self.drain()
        self.verify()

    def cutover(self) -> None:
        self.run_steps(cutover_steps(self.plan))

    def validate(self) -> None:
        self.run(foreign_keys.validate_all(self.plan))
        self.run([journal.set_state("validated")])

    def rollback(self) -> None:
        self.call("fill_key_map")
        self.call("drain_back")
        self.undo_steps(cutover_steps(self.plan))

    def finish(self) -> None:
        self.run_steps(finish_steps(self.plan))

    def run_to_cutover(self, between: Callable[[], object] | None = None) -> None:
        self.prepare()
        self.fill(between)
        self.cutover()

    def live_rows(self) -> dict[str, Rows]:
        """Return the rows of all tables that bear the live names."""
        return {
            str(table.name): rows_of(self.connection, table, table.name)
            for table in self.plan.tables
        }


def plan_again(migration: Migration) -> Migration:
    """Return a migration with a plan made now: oids and sizes changed."""
    return replace(migration, plan=make_plan(migration.connection, migration.plan.options))
