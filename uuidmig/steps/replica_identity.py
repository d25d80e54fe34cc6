"""Replica identities: what tells a subscriber which row was changed.

A copy gets the one of its source. While all tables are published, so are the copies and the tables
of schema uuidmig, from their creation on, and the server refuses UPDATE and DELETE of what is
published without an identity (55000). So they are identified by the whole row for that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.replication import sends_all_tables
from uuidmig.steps.model import Statement

_WHOLE_ROWS = sql.SQL("""DO $uuidmig$
DECLARE
  found regclass;
BEGIN
  FOR found IN
    SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n
      ON n.oid = c.relnamespace
    WHERE n.nspname IN ({schemas}) AND c.relkind = 'r' AND c.relreplident = 'd'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                      WHERE i.indrelid = c.oid AND i.indisprimary)
    ORDER BY c.oid
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY FULL', found);
  END LOOP;
END
$uuidmig$""")


def identify_by_whole_rows(plan: Plan, schemas: Iterable[str]) -> tuple[Statement, ...]:
    """Return the statement for the tables without a primary key in schemas of uuidmig's own,
    nothing unless all tables are published."""
    if not sends_all_tables(plan):
        return ()
    return (
        Statement(
            _WHOLE_ROWS.format(schemas=sql.SQL(", ").join(map(sql.Literal, schemas))),
            "all tables are published, these too",
        ),
    )


def replica_identity(plan: Plan, table: ClosureTable) -> tuple[Statement, ...]:
    """Return the statement that gives a copy, when it has its indexes, the identity of its source;
    nothing when it has it already, or by an index, which brings it along."""
    modes: dict[str, LiteralString] = {"f": "FULL", "n": "NOTHING"}
    if sends_all_tables(plan):
        modes["d"] = "DEFAULT"
    mode = modes.get(table.table.replica_identity)
    if mode is None:
        return ()
    return (
        Statement(
            sql.SQL("ALTER TABLE {} REPLICA IDENTITY {}").format(
                table.shadow.identifier, sql.SQL(mode)
            )
        ),
    )
