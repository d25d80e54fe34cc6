"""Names of uuidmig's own objects in the database, in one place."""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members

CAPTURE = "uuidmig_capture"
CAPTURE_TRUNCATE = "uuidmig_capture_truncate"
BACK_CAPTURE = "uuidmig_back_capture"
BACK_CAPTURE_TRUNCATE = "uuidmig_back_capture_truncate"
# BEFORE triggers fire in the order of their names: a user's trigger must see the translated key,
# and people who want to be first begin with "00".
GRACE = "!uuidmig_grace"


def own(kind: str, number: int) -> sql.Identifier:
    """Return uuidmig.<kind>_<number>, e.g. uuidmig.log_3."""
    return sql.Identifier("uuidmig", f"{kind}_{number}")


def temporary(kind: str, number: int) -> sql.Identifier:
    """Return pg_temp.uuidmig_<kind>_<number>."""
    return sql.Identifier("pg_temp", f"uuidmig_{kind}_{number}")


def shadow_schemas(plan: Plan) -> tuple[str, ...]:
    return tuple(sorted({table.shadow.schema for table in all_members(plan)}))


def retired_schemas(plan: Plan) -> tuple[str, ...]:
    return tuple(sorted({table.retired.schema for table in all_members(plan)}))


def other_owners(plan: Plan) -> tuple[str, ...]:
    """Return the owners of tables and their statistics, without the role that runs this.

    They need CREATE where their objects are to lie, or OWNER TO is refused.
    """
    tables = [table.table for table in all_members(plan)]
    owners = {table.owner for table in tables}
    owners |= {statistics.owner for table in tables for statistics in table.statistics}
    return tuple(sorted(owners - {plan.server.user}))


def column_list(columns: tuple[str, ...] | list[str]) -> sql.Composed:
    """Return the columns, quoted and separated by commas."""
    return sql.SQL(", ").join([sql.Identifier(column) for column in columns])


def qualified(alias: str, columns: tuple[str, ...] | list[str]) -> sql.Composed:
    """Return alias.column, … ."""
    return sql.SQL(", ").join([sql.Identifier(alias, column) for column in columns])


def regclass_array(tables: list[sql.Composable]) -> sql.Composed:
    """Return ARRAY['schema.table'::regclass, …] of already rendered regclass literals."""
    return sql.SQL("ARRAY[{}]::regclass[]").format(sql.SQL(", ").join(tables))


def regclass(identifier: sql.Identifier) -> sql.Composable:
    """Return '"schema"."table"'::regclass."""
    return sql.SQL("{}::regclass").format(sql.Literal(identifier.as_string(None)))


def closure_array(plan: Plan) -> sql.Composed:
    """Return the live tables of the closure in lock order (parents first) as regclass[]."""
    return regclass_array([regclass(table.name.identifier) for table in all_members(plan)])
