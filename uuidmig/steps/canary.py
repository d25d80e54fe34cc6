"""The canary's statements: the copy and the index builds of a rewrite, on temporary tables.

Everything it makes lies in the session's own temporary schema, which nobody else sees.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.catalog.model import RelationName
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.journal import HORIZON_SECONDS
from uuidmig.steps.mapped import mapped_select
from uuidmig.steps.model import Statement
from uuidmig.steps.names import column_list
from uuidmig.steps.pages import page_range
from uuidmig.steps.unforced import TEMPORARY, unforced
from uuidmig.steps.verbatim import index_on, verbatim

# Constants, as prepare makes them: what is timed is the expression that a copy computes.
_CLOCK = sql.SQL("""DO $uuidmig$
BEGIN
  EXECUTE 'CREATE FUNCTION pg_temp.plan_time() RETURNS timestamptz LANGUAGE sql IMMUTABLE AS '
    || quote_literal('SELECT TIMESTAMPTZ ' || quote_literal(clock_timestamp()));
  EXECUTE 'CREATE FUNCTION pg_temp.horizon() RETURNS timestamptz LANGUAGE sql IMMUTABLE AS '
    || quote_literal('SELECT TIMESTAMPTZ '
                     || quote_literal(clock_timestamp() + make_interval(secs => {seconds})));
END
$uuidmig$""")


def create_clock() -> Statement:
    """Return the statement that creates pg_temp.plan_time() and pg_temp.horizon()."""
    return Statement(_CLOCK.format(seconds=sql.Literal(HORIZON_SECONDS)))


def temporary_copy(table: ClosureTable) -> RelationName:
    """Return the name of the table's copy."""
    return RelationName("pg_temp", f"uuidmig_canary_{table.number}")


def create_copy(table: ClosureTable) -> Statement:
    """Return CREATE TEMPORARY TABLE of the columns that a copy writes, without rows."""
    name = sql.Identifier(temporary_copy(table).name)
    return Statement(
        sql.SQL(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(name, column_list(table.copied_columns), table.name.identifier)
    )


def copy_range(
    plan: Plan, table: ClosureTable, first_page: int, last_page: int | None
) -> Statement:
    """Return the INSERT … SELECT of heap pages [first_page, last_page) through the mapping."""
    select = mapped_select(plan, table, page_range("t", first_page, last_page))
    insert = Statement(
        sql.SQL("INSERT INTO {} ({}) {}").format(
            temporary_copy(table).identifier,
            column_list(table.copied_columns),
            _with_temporary_clock(select),
        )
    )
    return unforced(plan, insert, TEMPORARY)


def build_indexes(table: ClosureTable) -> tuple[Statement, ...]:
    """Return the builds of all indexes but those of exclusion constraints."""
    copied = temporary_copy(table)
    generated = {column.name for column in table.table.columns if column.generated}
    return tuple(
        Statement(index_on(index.definition, copied))
        for index in table.table.indexes
        if index.constraint_type != "x" and not generated & {*index.columns, *index.included}
    )


def _with_temporary_clock(part: sql.Composable) -> sql.Composable:
    """In our own text alone: names and values of the user's are other parts."""
    if isinstance(part, sql.Composed):
        return sql.Composed([_with_temporary_clock(inner) for inner in part])
    if isinstance(part, sql.SQL):
        text = part.as_string(None)
        for function in ("plan_time()", "horizon()"):
            text = text.replace(f"uuidmig.{function}", f"pg_temp.{function}")
        return verbatim(text)
    return part
