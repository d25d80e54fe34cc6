"""The way back after the cutover: changes of the new tables replayed into the retired ones.

A key map (new -> old) is read off the retired tables before the first replay touches them; a row
born after the cutover is not in it and keeps its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from psycopg import sql

from uuidmig.planner.model import ClosureTable, Discriminator, Plan, Reference
from uuidmig.steps import names, unforced
from uuidmig.steps.capture import create_function, create_log, read_locks
from uuidmig.steps.drain import column_domain, same_identity, truncated
from uuidmig.steps.emptied import emptied
from uuidmig.steps.grace import key_map
from uuidmig.steps.mapped import MappedExpressions, holds_keys_inside, retired
from uuidmig.steps.model import Statement
from uuidmig.steps.partition_trees import require_same_partitions
from uuidmig.steps.soft import applies, as_uuid, from_uuid, soft_references
from uuidmig.steps.soft_values import with_other_keys
from uuidmig.steps.unseen_writes import read_again, require_triggers

_FILL = sql.SQL("""CREATE FUNCTION uuidmig.fill_key_map() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog SET row_security = off AS $uuidmig$
BEGIN
  IF EXISTS (SELECT FROM uuidmig.key_map_filled) THEN
    RETURN;
  END IF;
{body}
  INSERT INTO uuidmig.key_map_filled DEFAULT VALUES;
END
$uuidmig$""")

_FILL_DOMAIN = sql.SQL("""  INSERT INTO {map} (new, old)
    SELECT DISTINCT v.new, v.old
    FROM (SELECT {value} AS new, {column} AS old FROM {relation} AS t{joins}) v
    WHERE v.new <> v.old;
  CREATE INDEX ON {map} (new);
  CREATE INDEX ON {map} (old);
  ANALYZE {map};
""")

_DRAIN_BACK = sql.SQL("""CREATE FUNCTION uuidmig.{name}() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog SET jit = off SET random_page_cost = 1.1 SET row_security = off
SET client_min_messages = warning
AS $uuidmig$
#variable_conflict use_column
DECLARE
  moved bigint;
  total bigint := 0;
BEGIN
{guard}  PERFORM uuidmig.fill_key_map();
  -- retired tables refuse all other writes, see steps/traps.py
  PERFORM set_config('uuidmig.replaying', 'on', true);
{body}
  PERFORM set_config('uuidmig.replaying', 'off', true);
  RETURN total;
END
$uuidmig$""")

_NOTHING_TO_DO = sql.SQL("""  IF total = 0 THEN
    PERFORM set_config('uuidmig.replaying', 'off', true);
    RETURN 0;
  END IF;
""")

_TAKE = sql.SQL("""  CREATE TEMP TABLE IF NOT EXISTS {work} ON COMMIT DROP AS
    SELECT * FROM {log} WITH NO DATA;
  DELETE FROM {work};
  WITH taken AS (DELETE FROM {log} RETURNING *)
    INSERT INTO {work} SELECT DISTINCT * FROM taken;
  GET DIAGNOSTICS moved = ROW_COUNT;
  total := total + moved;
""")

# A row born after the cutover may bear the old key of another row, and rows of a key that is unique
# only together with another column may have had the same old one: all have one place in the retired
# table, so what is deleted under that key comes back from whoever maps to it now. Where two do, the
# retired table's unique index refuses: better no rollback than a lost row.
_SAME_OLD_KEY = sql.SQL("""  INSERT INTO {work}
    SELECT DISTINCT 'I'::"char", {values} FROM {work} AS w{alternatives}
    WHERE ROW({values}) <> ROW({identity});
""")

_ALTERNATIVES = sql.SQL("""
    CROSS JOIN LATERAL (
      SELECT {key} AS key
      UNION SELECT m.new FROM {map} AS m WHERE m.old = {key}
      UNION SELECT n.new FROM {map} AS m JOIN {map} AS n ON n.old = m.old WHERE m.new = {key}
    ) AS {alias}""")

_DELETE = sql.SQL("""  DELETE FROM {retired} AS s
    USING (SELECT DISTINCT {values} FROM {work} AS w{joins}) AS gone WHERE {match};
""")

_INSERT = sql.SQL("""  INSERT INTO {retired} ({columns}) OVERRIDING SYSTEM VALUE
    {select};
""")


def back_objects(plan: Plan) -> tuple[Statement, ...]:
    """Return the logs, trigger functions and replay functions of the way back."""
    statements: list[Statement] = []
    for table in plan.tables:
        statements.append(create_log(table, table.identity, "back_log"))
        statements.append(create_function(table, table.identity, "back_capture", "back_log"))
    statements.append(Statement(_FILL.format(body=sql.Composed(list(_fill(plan))))))
    statements.append(
        Statement(
            _DRAIN_BACK.format(
                name=unforced.inner_name(plan, "drain_back"),
                guard=require_same_partitions(plan) + require_triggers(),
                body=sql.Composed(list(_drain(plan))),
            )
        )
    )
    return (*statements, *unforced.wrapper(plan, "drain_back"))


def _fill(plan: Plan) -> Iterator[sql.Composable]:
    for domain in plan.domains:
        table = plan.table(domain.root.table)
        expressions = MappedExpressions(plan, retired)
        value = expressions.value(table, domain.root.column, "t")
        yield _FILL_DOMAIN.format(
            map=key_map(domain),
            value=value,
            column=sql.Identifier("t", domain.root.column),
            relation=retired(table),
            joins=sql.SQL("").join(expressions.joins),
        )


def _drain(plan: Plan) -> Iterator[sql.Composable]:
    yield read_locks(plan)
    for table in plan.tables:
        yield read_again(table)
        yield _TAKE.format(work=_work(table), log=names.own("back_log", table.number))
        yield from truncated(table, _work(table), lambda leaf: leaf.retired)
        yield from emptied(
            table,
            _work(table),
            lambda member: member.retired,
            partial(_old_identities, plan),
            same_identity("s", "kept", table.identity),
            sql.SQL(""),
        )
    yield _NOTHING_TO_DO
    for table in plan.tables:
        yield from _same_old_key(plan, table)
    for table in plan.tables:
        values, joins = _old_values(plan, table, table.identity, "w")
        yield _DELETE.format(
            retired=table.retired.identifier,
            values=values,
            work=_work(table),
            joins=joins,
            match=same_identity("s", "gone", table.identity),
        )
    for table in plan.tables:
        yield _INSERT.format(
            retired=table.retired.identifier,
            columns=names.column_list(table.copied_columns),
            select=_select_back(plan, table),
        )


def _old_identities(plan: Plan, member: ClosureTable) -> sql.Composed:
    values, joins = _old_values(plan, member, member.identity, "t")
    return sql.SQL("SELECT {} FROM {} AS t{}").format(values, member.name.identifier, joins)


def _same_old_key(plan: Plan, table: ClosureTable) -> Iterator[sql.Composable]:
    values: list[sql.Composable] = []
    alternatives: list[sql.Composable] = []
    for position, column in enumerate(table.identity, start=1):
        number, key = column_domain(table, column), sql.Identifier("w", column)
        if number is None:
            values.append(key)
            continue
        alias = f"a{position}"
        values.append(sql.Identifier(alias, "key"))
        alternatives.append(
            _ALTERNATIVES.format(
                key=key, map=key_map(plan.domain(number)), alias=sql.Identifier(alias)
            )
        )
    if alternatives:
        yield _SAME_OLD_KEY.format(
            work=_work(table),
            values=sql.SQL(", ").join(values),
            alternatives=sql.SQL("").join(alternatives),
            identity=names.qualified("w", table.identity),
        )


def _work(table: ClosureTable) -> sql.Identifier:
    return names.temporary("back_work", table.number)


def _old_values(
    plan: Plan, table: ClosureTable, columns: tuple[str, ...], alias: str
) -> tuple[sql.Composable, sql.Composable]:
    """Return the columns with keys translated back, and the joins to the key maps they need."""
    values: list[sql.Composable] = []
    joins: list[sql.Composable] = []
    for position, column in enumerate(columns, start=1):
        value: sql.Composable = sql.Identifier(alias, column)
        if holds_keys_inside(table, column):
            turned = _turned_back(plan, table, column, alias)
            values.append(sql.SQL("{} AS {}").format(turned, sql.Identifier(column)))
            continue
        known: list[sql.Composable] = []
        for number, when, form in _domains_of(table, column):
            joined = f"m{position}_{number}_{len(known)}"
            joins.append(
                sql.SQL(" LEFT JOIN {} AS {} ON {} = {}{}").format(
                    key_map(plan.domain(number)),
                    sql.Identifier(joined),
                    sql.Identifier(joined, "new"),
                    as_uuid(form, value),
                    applies(when, alias),
                )
            )
            known.append(from_uuid(form, sql.Identifier(joined, "old")))
        if known:
            value = sql.SQL("coalesce({})").format(sql.SQL(", ").join([*known, value]))
        values.append(sql.SQL("{} AS {}").format(value, sql.Identifier(column)))
    return sql.SQL(", ").join(values), sql.SQL("").join(joins)


def _turned_back(plan: Plan, table: ClosureTable, column: str, alias: str) -> sql.Composable:
    """Return an array or document with the old keys in it."""

    def old_key(reference: Reference, key: sql.Composable) -> sql.Composable:
        return sql.SQL("(SELECT m.old FROM {} AS m WHERE m.new = {}{})").format(
            key_map(plan.domain(reference.domain)), key, applies(reference.when, alias)
        )

    return with_other_keys(soft_references(table, column), sql.Identifier(alias, column), old_key)


def _domains_of(
    table: ClosureTable, column: str
) -> tuple[tuple[int, Discriminator | None, str], ...]:
    """Return the domains whose keys the column may hold, in which rows (None: in all), and how."""
    if soft := soft_references(table, column):
        return tuple((reference.domain, reference.when, reference.form) for reference in soft)
    number = column_domain(table, column)
    return () if number is None else ((number, None, "uuid"),)


def _select_back(plan: Plan, table: ClosureTable) -> sql.Composed:
    values, joins = _old_values(plan, table, table.copied_columns, "t")
    return sql.SQL("SELECT {} FROM {} AS t{} WHERE ({}) IN (SELECT {} FROM {})").format(
        values,
        table.name.identifier,
        joins,
        names.qualified("t", table.identity),
        names.column_list(table.identity),
        _work(table),
    )
