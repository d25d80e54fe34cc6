"""The copy of a claim, in the quickest of the ways that suit it.

A reference's new key is computed from the parent's row, or found by its last 8 bytes in the
parent's shadow once that is filled: then nothing has to be computed, and the join is one of
integers. The second way needs that no two parents share these bytes, which random keys do not. So
the rows are counted: where the join multiplied them, what was copied is undone and done the first
way.

And the rows are written by one INSERT … SELECT, or read in a session of their own and relayed to a
COPY, which writes them much faster. What keeps rows from being relayed costs time and nothing else:
they are inserted then.
"""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass, field

import psycopg

from uuidmig.engine import chunks
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.progress import Note, Observer, silent
from uuidmig.engine.relay import RelayFailed, is_bare, relay
from uuidmig.engine.unforced import affected
from uuidmig.errors import ConnectionFailed
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.copying import (
    copy_statement,
    most_rows,
    roots_to_look_up,
    rows_read,
)
from uuidmig.steps.model import Statement
from uuidmig.steps.relaying import any_compressed, can_be_relayed, copy_in, copy_out

_UNWANTED_PLANS = ("enable_mergejoin", "enable_nestloop", "enable_seqscan")
_NOT_BARE = "the connection is encrypted, pooled, or not in the server's encoding"
# A narrower claim may find its few parents by their index, and is not worth a session of its own:
# while one is opened the other worker gets ahead, and rows copied so far apart lose their order.
_LEAST_CHUNKS = 32


class _RowsMultiplied(Exception):
    """Keys share their last 8 bytes; what was copied is undone."""


@dataclass(slots=True)
class RuledOut:
    """What the quicker ways turned out not to do for. Used by all workers."""

    domains: set[int] = field(default_factory=set)  # keys share their last 8 bytes
    tables: set[int] = field(default_factory=set)  # rows could not be relayed
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_domains(self, domains: frozenset[int]) -> None:
        with self.lock:
            self.domains |= domains

    def add_table(self, number: int) -> None:
        with self.lock:
            self.tables.add(number)


@dataclass(frozen=True, slots=True)
class ClaimedCopy:
    """A claim, and the connection in whose transaction its rows are to be written."""

    dsn: str
    connection: Connection
    plan: Plan
    table: ClosureTable
    claimed: chunks.Claim
    ruled_out: RuledOut
    observer: Observer = silent


def prepare_copy_session(connection: Connection) -> None:
    """Set what the copy needs of a session that reads or writes rows."""
    # Losing the last batches in a crash of the server is harmless: their records go with them.
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET work_mem = '192MB'")
    connection.execute("SET random_page_cost = 1.1")
    connection.execute("SET max_parallel_workers_per_gather = 0")


def copy_claim(copy: ClaimedCopy) -> int:
    """Copy the claimed pages in the present transaction and return how many rows that were."""
    copied = _copied_domains(copy)
    try:
        return _copy(copy, copied)
    except _RowsMultiplied:
        copy.ruled_out.add_domains(copied)
        return _copy(copy, frozenset())


def _copied_domains(copy: ClaimedCopy) -> frozenset[int]:
    """Return the domains whose keys may be found by their last 8 bytes."""
    if len(copy.claimed.numbers) < _LEAST_CHUNKS:
        return frozenset()
    roots = roots_to_look_up(copy.plan, copy.table)
    return frozenset(
        number
        for number, root in roots.items()
        if number not in copy.ruled_out.domains and chunks.is_copied(copy.connection, root.number)
    )


def _copy(copy: ClaimedCopy, copied: frozenset[int]) -> int:
    if _is_worth_relaying(copy):
        try:
            return _relay(copy, copied)
        except RelayFailed as failure:
            copy.ruled_out.add_table(copy.table.number)
            note = f"{copy.table.name} is copied without a second session: {failure}"
            copy.observer.notify(Note(note, "debug"))
    return _insert_by_tail(copy, copied) if copied else _insert(copy)


def _insert(copy: ClaimedCopy) -> int:
    statement = copy_statement(copy.plan, copy.table, *copy.claimed.pages)
    return affected(copy.plan, copy.connection.execute(statement.query))


def _insert_by_tail(copy: ClaimedCopy, copied: frozenset[int]) -> int:
    connection, table = copy.connection, copy.table
    limit = _number(connection, most_rows(table, copy.claimed.pages))
    statement = copy_statement(copy.plan, table, *copy.claimed.pages, copied=copied, limit=limit)
    with connection.transaction():
        _allow_plans(connection, "off", local=True)
        before = _number(connection, rows_read(table))
        rows = affected(copy.plan, connection.execute(statement.query))
        if rows != _number(connection, rows_read(table)) - before:
            raise _RowsMultiplied
        _allow_plans(connection, "on", local=True)
    return rows


def _allow_plans(connection: Connection, value: str, *, local: bool) -> None:
    """Switch off, for a join by tail, what the planner would otherwise do.

    Nothing is known of the values of the joined expressions: it would sort, or read all of the
    table for the few rows it expects to need. And a table that references itself is read by its
    index as a parent, which the counter of rows read leaves out.
    """
    connection.execute(
        "SELECT set_config(name, %s, %s) FROM unnest(%s::text[]) AS name",
        [value, local, list(_UNWANTED_PLANS)],
    )


def _is_worth_relaying(copy: ClaimedCopy) -> bool:
    return (
        len(copy.claimed.numbers) >= _LEAST_CHUNKS
        and copy.table.number not in copy.ruled_out.tables
        and can_be_relayed(copy.plan, copy.table)
    )


def _relay(copy: ClaimedCopy, copied: frozenset[int]) -> int:
    plan, table, pages = copy.plan, copy.table, copy.claimed.pages
    compressed = any_compressed(table, pages)
    if compressed is not None and _number(copy.connection, compressed):
        raise RelayFailed("it holds compressed values, which INSERT copies as they are")
    limit = _number(copy.connection, most_rows(table, pages)) if copied else None
    rows = copy_out(plan, table, *pages, copied=copied, limit=limit)
    with closing(_reader(copy)) as reader, copy.connection.transaction():
        try:
            _prepare_reader(reader, by_tail=bool(copied))
        except psycopg.Error as error:
            raise RelayFailed(str(error)) from error
        done = relay(reader, rows, rows_read(table), copy.connection, copy_in(plan, table))
        if copied and done.rows != done.number:
            raise _RowsMultiplied
    return done.rows


def _reader(copy: ClaimedCopy) -> Connection:
    """Return a session that reads rows for the other one. Raises RelayFailed."""
    if not is_bare(copy.connection):
        raise RelayFailed(_NOT_BARE)
    try:
        return connect(copy.dsn, "copy")
    except ConnectionFailed as error:
        raise RelayFailed(str(error)) from error


def _prepare_reader(reader: Connection, *, by_tail: bool) -> None:
    if not is_bare(reader):
        raise RelayFailed(_NOT_BARE)
    with reader.transaction():  # one commit: many would look like company, see throttle.py
        prepare_copy_session(reader)
        # The other session has the table already. Who waits to lock it waits for that one, and this
        # one would wait behind him: a deadlock that the server cannot see.
        reader.execute("SET lock_timeout = '100ms'")
        reader.execute("SET client_min_messages = error")  # between the rows must be nothing else
        if by_tail:
            _allow_plans(reader, "off", local=False)


def _number(connection: Connection, statement: Statement) -> int:
    row = connection.execute(statement.query).fetchone()
    return int(row[0]) if row else 0
