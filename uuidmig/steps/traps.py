"""Traps on tables that were replaced: a late write fails instead of getting lost.

A function with a parsed body (BEGIN ATOMIC) holds its tables by oid. A call that waits for the
swap's locks goes on with the table it waited for, which by then is the retired one. What it reads
is a moment old; what it writes would be in a table that nobody looks at any more.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from uuidmig.catalog.model import RelationName
from uuidmig.steps.model import Statement

# 40001: run again, the transaction finds the new table; many applications do that by themselves.
_FUNCTION = sql.SQL("""CREATE FUNCTION uuidmig.refuse_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $uuidmig$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
    MESSAGE = format('table %I.%I was replaced while this statement waited for it',
                     tg_table_schema, tg_table_name),
    HINT = 'Run the transaction again.';
END
$uuidmig$""")

# The replay of a rollback sets it, see steps/back.py.
_CREATE = sql.SQL(
    "CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT WHEN (current_setting('uuidmig.replaying', true) IS DISTINCT FROM 'on')"
    " EXECUTE FUNCTION uuidmig.refuse_write()"
)
_NAME = sql.Identifier("uuidmig_refuse_write")


def trap_function() -> Statement:
    """Return the function behind the traps."""
    return Statement(_FUNCTION)


def lay_traps(relations: Iterable[RelationName]) -> tuple[Statement, ...]:
    """Return the statements that make the tables refuse every write but that of a replay."""
    return tuple(statement for relation in relations for statement in _trap(relation.identifier))


def _trap(table: sql.Identifier) -> tuple[Statement, Statement]:
    enable = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table, _NAME)
    return Statement(_CREATE.format(name=_NAME, table=table)), Statement(enable)


def lift_traps(relations: Iterable[RelationName]) -> tuple[Statement, ...]:
    """Return the statements that let the tables be written again."""
    return tuple(
        Statement(sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(_NAME, relation.identifier))
        for relation in relations
    )
