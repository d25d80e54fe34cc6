"""Whether the columns take the new keys at all: tried on some rows before anything is changed.

A domain or a CHECK constraint may ask for version 4. The copy would find that out, hours later.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from uuidmig.catalog.model import Check, Column
from uuidmig.engine.connection import Connection
from uuidmig.keys import mapping_sql
from uuidmig.planner.model import ClosureTable, Hazard, Plan
from uuidmig.planner.partitions import members
from uuidmig.steps.mapped import key_columns
from uuidmig.steps.soft import as_uuid, from_uuid
from uuidmig.steps.verbatim import verbatim

_ROWS = 1000  # of each table

_VALUES = sql.SQL("SELECT {column} AS key FROM {relation} WHERE {column} IS NOT NULL LIMIT {rows}")
_TRY_DOMAIN = sql.SQL(
    # A text that is no key stays as it is.
    "SELECT count(({key})::{type}) FROM ({values}) AS s WHERE {held} IS NOT NULL"
)
_EXPRESSION = sql.SQL(
    "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint"
    " WHERE conrelid = {relation}::regclass AND conname = {name} AND contype = 'c'"
)

# A row that is not there stands for those to come: all NULL but its keys.
_TRY_CHECK = sql.SQL("""SELECT count(*) FROM (
  (SELECT t.*, false AS uuidmig_made FROM {relation} AS t LIMIT {rows})
  UNION ALL SELECT (NULL::{relation}).*, true
) AS s
WHERE (SELECT ({expression}) IS NOT FALSE FROM (SELECT {old}) AS {name})
  AND (SELECT ({expression}) IS FALSE FROM (SELECT {new}) AS {name})""")


def find_rejected_keys(connection: Connection, plan: Plan) -> tuple[Hazard, ...]:
    """Return a refusal for each domain and CHECK constraint that new keys violate. Reads only."""
    found: dict[str, Hazard] = {}
    for table in plan.tables:
        if table.table.row_security_active:
            continue  # refused for that
        checks = (h for member in members(table) for h in _checks(connection, plan, member))
        for hazard in (*_domains(connection, plan, table), *checks):
            found.setdefault(hazard.object, hazard)
    return tuple(found.values())


def _domains(connection: Connection, plan: Plan, table: ClosureTable) -> Iterator[Hazard]:
    forms = dict.fromkeys(key_columns(table), "uuid")
    forms |= {r.column: r.form for r in table.references if r.form == "text"}
    for name, form in forms.items():
        column = table.table.column(name)
        if column.type_kind == "d" and (error := _violation(connection, plan, table, column, form)):
            yield _refusal(
                f"type {column.type}",
                f"{error.diag.constraint_name or 'the domain'} of the domain does not take the new "
                f"keys of {table.name}.{name}",
                "ALTER DOMAIN ... DROP CONSTRAINT, and add one that takes version 7",
            )


def _violation(
    connection: Connection, plan: Plan, table: ClosureTable, column: Column, form: str
) -> psycopg.errors.CheckViolation | None:
    """Try the new keys of some rows, and one of a row to come if the old one would be taken."""
    old = sql.Identifier("s", "key")
    rows = _VALUES.format(
        column=sql.Identifier(column.name),
        relation=table.name.identifier,
        rows=sql.Literal(_ROWS),
    )
    made = sql.SQL("SELECT {} AS key").format(from_uuid(form, sql.SQL("gen_random_uuid()")))
    held = as_uuid(form, old)
    new = from_uuid(form, _new(plan, held))
    if error := _try(connection, column, new, rows, held):
        return error
    if _try(connection, column, old, made, held):
        return None
    return _try(connection, column, new, made, held)


def _try(
    connection: Connection,
    column: Column,
    key: sql.Composable,
    values: sql.Composable,
    held: sql.Composable,
) -> psycopg.errors.CheckViolation | None:
    query = _TRY_DOMAIN.format(key=key, type=verbatim(column.type), values=values, held=held)
    try:
        with connection.transaction():
            connection.execute(query)
    except psycopg.errors.CheckViolation as error:
        return error
    except psycopg.errors.InsufficientPrivilege:
        return None  # refused for that
    return None


def _new(plan: Plan, key: sql.Composable) -> sql.Composable:
    convert = plan.options.non_v4 == "convert"
    return mapping_sql.uuid_expression(mapping_sql.bytes_of_today(key, convert_other=convert))


def _checks(connection: Connection, plan: Plan, table: ClosureTable) -> Iterator[Hazard]:
    keys = key_columns(table)
    for check in table.table.checks:
        if check.inherited:
            continue  # tried on the partitioned table
        if set(keys).intersection(check.columns) and _rejects(connection, plan, table, check):
            yield _refusal(
                f"{table.name}.{check.name}",
                f"the check does not hold for version 7 keys: {check.definition}",
                "drop it, or replace it by one that holds for both",
            )


def _rejects(connection: Connection, plan: Plan, table: ClosureTable, check: Check) -> bool:
    relation = table.name.identifier.as_string(connection)
    asked = _EXPRESSION.format(relation=sql.Literal(relation), name=sql.Literal(check.name))
    row = connection.execute(asked).fetchone()
    if row is None:
        return False  # gone meanwhile
    query = _TRY_CHECK.format(
        relation=table.name.identifier,
        name=sql.Identifier(table.name.name),
        rows=sql.Literal(_ROWS),
        expression=verbatim(row[0]),
        old=_row(plan, table, new=False),
        new=_row(plan, table, new=True),
    )
    try:
        with connection.transaction():
            found = connection.execute(query).fetchone()
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError):
        return False  # it cannot be tried on less than a row of the table: one with tableoid, say
    return found is not None and found[0] > 0


def _row(plan: Plan, table: ClosureTable, *, new: bool) -> sql.Composable:
    """Return the row's columns under their names; those that hold keys with the new ones."""
    keys = key_columns(table)
    values: list[sql.Composable] = []
    for column in table.table.columns:
        value: sql.Composable = sql.Identifier("s", column.name)
        if column.name in keys:
            value = sql.SQL("CASE WHEN s.uuidmig_made THEN gen_random_uuid() ELSE {} END").format(
                value
            )
            value = _new(plan, value) if new else value
        values.append(sql.SQL("{} AS {}").format(value, sql.Identifier(column.name)))
    return sql.SQL(", ").join(values)


def _refusal(name: str, message: str, remedy: str) -> Hazard:
    return Hazard("refusal", "rejects-new-keys", name, message, remedy)
