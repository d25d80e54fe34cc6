"""The INSERT … SELECT of a claim, in the quicker of two ways.

A reference's new key is computed from the parent's row, or found by its last 8 bytes in the
parent's shadow once that is filled: then nothing has to be computed, and the join is one of
integers. The second way needs that no two parents share these bytes, which random keys do not. So
the rows are counted: where the join multiplied them, the insert is undone and done the first way.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from psycopg import Rollback
from psycopg.sql import SQL, Identifier

from uuidmig.engine import chunks
from uuidmig.engine.connection import Connection
from uuidmig.engine.unforced import affected
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.copying import (
    copy_statement,
    most_rows,
    roots_to_look_up,
    rows_read,
)
from uuidmig.steps.model import Statement

_UNWANTED_PLANS = ("enable_mergejoin", "enable_nestloop", "enable_seqscan")
_LEAST_CHUNKS = 32  # a narrower claim may find its few parents by their index


@dataclass(slots=True)
class SharedTails:
    """Domains of which keys were found to share their last 8 bytes. Used by all workers."""

    domains: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, domains: frozenset[int]) -> None:
        with self.lock:
            self.domains |= domains


def insert_claim(
    connection: Connection,
    plan: Plan,
    table: ClosureTable,
    claimed: chunks.Claim,
    shared: SharedTails,
) -> int:
    """Copy the claimed pages in the present transaction and return how many rows that were."""
    if len(claimed.numbers) >= _LEAST_CHUNKS:
        copied = _copied_domains(connection, plan, table) - shared.domains
        if copied:
            rows = _insert_by_tail(connection, plan, table, claimed, copied)
            if rows is not None:
                return rows
            shared.add(copied)
    return affected(plan, connection.execute(copy_statement(plan, table, *claimed.pages).query))


def _copied_domains(connection: Connection, plan: Plan, table: ClosureTable) -> frozenset[int]:
    return frozenset(
        number
        for number, root in roots_to_look_up(plan, table).items()
        if chunks.is_copied(connection, root.number)
    )


def _insert_by_tail(
    connection: Connection,
    plan: Plan,
    table: ClosureTable,
    claimed: chunks.Claim,
    copied: frozenset[int],
) -> int | None:
    """Return the rows inserted; None when these were others than were read and were taken back."""
    limit = _number(connection, most_rows(table, claimed.pages))
    statement = copy_statement(plan, table, *claimed.pages, copied=copied, limit=limit)
    with connection.transaction() as attempt:
        # Nothing is known of the values of the joined expressions: the planner would sort, or
        # read all of the table for the few rows it expects to need. And a table that references
        # itself is read by its index as a parent, which the counter of rows read leaves out.
        for unwanted in _UNWANTED_PLANS:
            connection.execute(SQL("SET LOCAL {} = off").format(Identifier(unwanted)))
        before = _number(connection, rows_read(table))
        rows = affected(plan, connection.execute(statement.query))
        if rows != _number(connection, rows_read(table)) - before:
            raise Rollback(attempt)
        for unwanted in _UNWANTED_PLANS:
            connection.execute(SQL("SET LOCAL {} = on").format(Identifier(unwanted)))
        return rows
    return None


def _number(connection: Connection, statement: Statement) -> int:
    row = connection.execute(statement.query).fetchone()
    return int(row[0]) if row else 0
