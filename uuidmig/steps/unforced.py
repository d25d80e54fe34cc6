"""Statements that see every row of a table whose owner FORCE ROW LEVEL SECURITY restricts.

The server leaves FORCE aside while it checks referential integrity as a table's owner: in a
statement that a BEFORE trigger runs when ON DELETE CASCADE reaches its row (SECURITY_NOFORCE_RLS in
src/backend/utils/adt/ri_triggers.c and src/backend/utils/misc/rls.c). So a statement is put into a
row of a table of ours, and run by that row's trigger when its parent is deleted.

A policy for the time of the run would be simpler and wrong. It could be set against no restrictive
policy; beside it applications that are the owner lose the indexes behind their own policies, as the
two are joined by OR; and where it fails, rows are missing and nobody is told. Here nothing of the
live tables changes, and row_security is off: whatever goes wrong, the server raises an error
instead of leaving rows out.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from uuidmig.planner.model import Plan
from uuidmig.planner.row_security import any_forced
from uuidmig.steps.model import Statement

PERSISTENT: LiteralString = "uuidmig"
TEMPORARY: LiteralString = "pg_temp"  # for a session that creates nothing else

_TABLES = (
    sql.SQL(
        "CREATE TABLE {schema}.integrity_check (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
    ),
    sql.SQL("""CREATE TABLE {schema}.integrity_statement (
  id bigint PRIMARY KEY REFERENCES {schema}.integrity_check ON DELETE CASCADE,
  kind text NOT NULL,
  statement text NOT NULL
)"""),
)

# It runs as the owner of its table, whoever deletes: those who are not, or cannot become, that
# role get nothing run, whatever default privileges let them write to the table.
_RUN = sql.SQL("""CREATE FUNCTION {schema}.run_integrity_statement() RETURNS trigger
LANGUAGE plpgsql SET row_security = off AS $uuidmig$
DECLARE
  result text;
  opened refcursor;
BEGIN
  IF NOT pg_catalog.pg_has_role(session_user, current_user, 'MEMBER') THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = 'uuidmig: only ' || current_user || ' may do this';
  END IF;
  IF old.kind = 'cursor' THEN
    OPEN opened FOR EXECUTE old.statement;
    result := opened::text;
  ELSIF old.kind = 'value' THEN
    EXECUTE old.statement INTO result;
  ELSE
    EXECUTE old.statement;
    GET DIAGNOSTICS result = ROW_COUNT;
  END IF;
  PERFORM pg_catalog.set_config('uuidmig.integrity_result', concat('=', result), true);
  RETURN old;
END
$uuidmig$""")

_TRIGGER = sql.SQL(
    "CREATE TRIGGER run BEFORE DELETE ON {schema}.integrity_statement"
    " FOR EACH ROW EXECUTE FUNCTION {schema}.run_integrity_statement()"
)

# Where session_replication_role keeps triggers from firing nothing is run.
_SEE_ALL = sql.SQL("""CREATE FUNCTION {schema}.unforced(statement text, kind text)
RETURNS text LANGUAGE plpgsql AS $uuidmig$
DECLARE
  this bigint;
  result text;
BEGIN
  PERFORM pg_catalog.set_config('uuidmig.integrity_result', '', true);
  INSERT INTO {schema}.integrity_check DEFAULT VALUES RETURNING id INTO this;
  INSERT INTO {schema}.integrity_statement VALUES (this, kind, statement);
  DELETE FROM {schema}.integrity_check WHERE id = this;
  result := pg_catalog.current_setting('uuidmig.integrity_result');
  IF result = '' THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'uuidmig: the triggers of foreign keys do not fire in this session',
      HINT = 'session_replication_role must be origin.';
  END IF;
  RETURN pg_catalog.substr(result, 2);
END
$uuidmig$""")

_WRAPPER = sql.SQL("""CREATE FUNCTION uuidmig.{name}() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog AS $uuidmig$
BEGIN
  RETURN uuidmig.unforced('SELECT uuidmig.{inner}()', 'value')::bigint;
END
$uuidmig$""")


def is_needed(plan: Plan) -> bool:
    """Return whether row security is forced on a table that is copied, or tied to one by a foreign
    key. Whatever the present role: another one may go on with the run."""
    return any_forced(plan)


def create(schema: LiteralString) -> tuple[Statement, ...]:
    """Return the statements that create <schema>.unforced(statement, kind) and what it needs.

    It runs the statement and returns, by kind: "rows": how many rows it affected, "value": the
    first column of its first row, "cursor": the name of a cursor, open until the transaction ends.
    """
    parts = (*_TABLES, _RUN, _TRIGGER, _SEE_ALL)
    return tuple(Statement(part.format(schema=sql.SQL(schema))) for part in parts)


def objects(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements of `create` for the run of a plan that needs them, else none."""
    return create(PERSISTENT) if is_needed(plan) else ()


def unforced(plan: Plan, statement: Statement, schema: LiteralString = PERSISTENT) -> Statement:
    """Return the statement as it sees all rows: as it is where no row security is forced.

    What is wrapped is a SELECT of how many rows it affected, see `affected` in engine/unforced.py.
    """
    if not is_needed(plan):
        return statement
    return Statement(call(statement.text, schema, "rows"), statement.comment)


def call(text: str, schema: LiteralString, kind: LiteralString) -> sql.Composed:
    """Return SELECT <schema>.unforced(…) of a statement's text; `kind` as in `create`."""
    return sql.SQL("SELECT {}.unforced({}, {})").format(
        sql.SQL(schema), sql.Literal(text), sql.Literal(kind)
    )


def inner_name(plan: Plan, name: LiteralString) -> sql.Identifier:
    """Return what a replay function is created as, so that `wrapper` can bear its name."""
    return sql.Identifier(f"{name}_unforced" if is_needed(plan) else name)


def wrapper(plan: Plan, name: LiteralString) -> tuple[Statement, ...]:
    """Return the function uuidmig.<name>() that has the inner one see all rows, where needed."""
    if not is_needed(plan):
        return ()
    text = _WRAPPER.format(name=sql.Identifier(name), inner=inner_name(plan, name))
    return (Statement(text),)


def drop_inner(plan: Plan, name: LiteralString) -> tuple[sql.Composable, ...]:
    """Return the statement that drops what a `wrapper` calls, where there is one."""
    drop = sql.SQL("DROP FUNCTION uuidmig.{}()").format(inner_name(plan, name))
    return (drop,) if is_needed(plan) else ()
