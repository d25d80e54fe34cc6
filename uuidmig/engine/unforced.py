"""Queries of ours that see all rows where row security is forced, see steps/unforced.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import psycopg
from psycopg import sql

from uuidmig.catalog.model import Catalog, Table
from uuidmig.engine.connection import Connection
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.model import Plan
from uuidmig.planner.row_security import is_forced
from uuidmig.steps.unforced import TEMPORARY, call, create, is_needed

_STILL_HIDDEN = sql.SQL(
    "SELECT string_agg(t.oid::text, ' ') FROM unnest({}::oid[]) AS t (oid)"
    " WHERE row_security_active(t.oid)"
)


def affected(plan: Plan, cursor: psycopg.Cursor[Any]) -> int:
    """Return how many rows a statement of `steps.unforced.unforced` affected."""
    if not is_needed(plan):
        return cursor.rowcount
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def prepare_session(connection: Connection, plan: Plan) -> None:
    """Create what `seeing_all_rows` needs for this plan; not in a read-only transaction."""
    if is_needed(plan):
        prepare(connection)


def prepare(connection: Connection) -> None:
    """Create what `seeing_all_rows` needs in this session, unless it is there."""
    if not is_prepared(connection):
        with connection.transaction():
            for statement in create(TEMPORARY):
                connection.execute(statement.query)


def is_prepared(connection: Connection) -> bool:
    """Return whether this session has what `seeing_all_rows` needs."""
    row = connection.execute("SELECT to_regclass('pg_temp.integrity_check')").fetchone()
    return row is not None and row[0] is not None


def with_hidden_rows_found(connection: Connection, catalog: Catalog) -> Catalog:
    """Return the catalog with row_security_active where rows are hidden from this session even
    under `seeing_all_rows`, which the session is prepared for if any table needs it.

    On a standby, and without the right to create temporary tables, that is of no help.
    """
    forced = [table for table in _all(catalog.tables) if _is_hidden_by_force(table)]
    if not forced:
        return catalog
    try:
        prepare(connection)
        hidden = _still_hidden(connection, [table.oid for table in forced])
    except (psycopg.ProgrammingError, psycopg.InternalError):
        return catalog
    seen = {table.oid for table in forced} - hidden
    return replace(catalog, tables=tuple(_with_seen(table, seen) for table in catalog.tables))


def _all(tables: Iterable[Table]) -> Iterator[Table]:
    return (part for table in tables for part in with_partitions(table))


def _is_hidden_by_force(table: Table) -> bool:
    return table.row_security_active and is_forced(table)


def _still_hidden(connection: Connection, oids: list[int]) -> set[int]:
    query = _STILL_HIDDEN.format(sql.Literal(oids)).as_string(connection)
    row = connection.execute(call(query, TEMPORARY, "value")).fetchone()
    return {int(oid) for oid in (row[0] or "").split()} if row else set(oids)


def _with_seen(table: Table, seen: set[int]) -> Table:
    return replace(
        table,
        row_security_active=table.row_security_active and table.oid not in seen,
        partitions=tuple(_with_seen(partition, seen) for partition in table.partitions),
    )


class _SeeingAll(psycopg.ClientCursor[Any]):
    """Opens each query as a cursor of the server's, planned where FORCE is left aside."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> Self:
        opening = psycopg.Cursor(self.connection)
        opening.execute(call(self.mogrify(query, params), TEMPORARY, "cursor"))
        (name,) = opening.fetchone() or ("",)
        return super().execute(sql.SQL("FETCH ALL FROM {}").format(sql.Identifier(name)))


@contextmanager
def seeing_all_rows(connection: Connection) -> Iterator[None]:
    """Every query inside sees all rows, if the session was prepared; else it is as ever.

    SELECT only, in a transaction, which may be read-only.
    """
    if not is_prepared(connection):
        yield
        return
    before = connection.cursor_factory
    connection.cursor_factory = _SeeingAll
    try:
        yield
    finally:
        connection.cursor_factory = before
