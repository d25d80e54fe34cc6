"""Views, rules and routines through the swap: all of them hold tables by oid, not by name.

`CREATE OR REPLACE` binds a view, or the parsed body of a function, to whatever bears the name now
and keeps the rest: grants, comments, triggers, column defaults, and everything that hangs on it.
What stores rows or has a row type in its signature is dropped and created again. A view over such
an object is bound to nothing meanwhile: same columns, all NULL, seen by nobody under the locks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.dependents_model import Dependents, Rule, View, ViewColumn
from uuidmig.catalog.model import RelationName
from uuidmig.planner.dependents import recreated
from uuidmig.planner.model import Plan
from uuidmig.planner.partitions import all_members
from uuidmig.steps.dependents_made import create, drop
from uuidmig.steps.filling import fill, remember_filled
from uuidmig.steps.model import Statement
from uuidmig.steps.names import regclass, regclass_array
from uuidmig.steps.settings import restore_settings, save_settings
from uuidmig.steps.verbatim import options_list, verbatim

# Definitions name everything with its schema; what they do not name is in pg_catalog. Bodies that
# are strings are not looked into: they may rely on a search_path of their own. Without a tablespace
# of its own an object was in the database's, whatever the session prefers. The rest is how
# constants were written when the catalog was read, see catalog/sql/session.sql.
_SETTINGS = {
    "search_path": "",
    "check_function_bodies": "off",
    "default_tablespace": "",
    "quote_all_identifiers": "off",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
_DEFINING = save_settings(_SETTINGS)
_DEFINED = restore_settings(_SETTINGS)

_NOTHING_LEFT = sql.SQL("""DO $uuidmig$
DECLARE
  found text;
BEGIN
  SELECT string_agg(DISTINCT pg_describe_object(d.classid, d.objid, 0), ', ') INTO found
  FROM pg_class r JOIN pg_type t ON t.oid = r.reltype
  CROSS JOIN LATERAL (VALUES ('pg_class'::regclass::oid, r.oid),
    ('pg_type'::regclass::oid, t.oid), ('pg_type'::regclass::oid, t.typarray))
    AS own (classid, objid)
  JOIN pg_depend d ON d.refclassid = own.classid AND d.refobjid = own.objid
  LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  LEFT JOIN pg_class c ON c.oid = w.ev_class
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  WHERE r.oid = ANY ({tables}) AND (w.oid IS NOT NULL OR p.oid IS NOT NULL)
    AND coalesce(c.relnamespace, p.pronamespace) <> 'uuidmig'::regnamespace
    AND coalesce(c.oid, p.oid) <> ALL ({known}::oid[]);
  IF found IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = 'uuidmig: the plan does not know of ' || found,
      HINT = 'It appeared after the plan was made. If prepare has run, run uuidmig abort; then'
             || ' make a new plan.';
  END IF;
END
$uuidmig$""")

# Between plan and prepare: days, where the revisions are reviewed. The cutover would put back what
# the plan saw.
_AS_PLANNED = sql.SQL("""DO $uuidmig$
DECLARE
  found text;
BEGIN
  SELECT string_agg(planned.name, ', ') INTO found
  FROM (VALUES {planned}) AS planned (kind, name, rule, digest)
  WHERE planned.digest IS DISTINCT FROM md5(CASE planned.kind
    WHEN 'view' THEN rtrim(pg_get_viewdef(to_regclass(planned.name)), ';')
    WHEN 'routine' THEN pg_get_functiondef(to_regprocedure(planned.name))
    ELSE (SELECT rtrim(pg_get_ruledef(w.oid), ';') FROM pg_rewrite w
          WHERE w.ev_class = to_regclass(planned.name) AND w.rulename = planned.rule) END);
  IF found IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = 'uuidmig: changed or gone since the plan was made: ' || found,
      HINT = 'Make a new plan.';
  END IF;
END
$uuidmig$""")

_RULE_STATE: dict[str, LiteralString] = {
    "D": "DISABLE",
    "R": "ENABLE REPLICA",
    "A": "ENABLE ALWAYS",
}


def relations_to_lock(plan: Plan) -> sql.Composable:
    """Return the views, and the tables with rules, that the swap changes, as regclass[].

    Who reads a view locks it before its tables; so do we. Those that are gone are left out: the
    fingerprint says so, with a better message.
    """
    closure = {table.name for table in all_members(plan)}
    listed: list[sql.Composable] = [
        sql.SQL("to_regclass({})").format(sql.Literal(name.identifier.as_string(None)))
        for name in _relations(plan.dependents)
        if name not in closure
    ]
    return sql.SQL("array_remove({}, NULL)").format(regclass_array(listed))


def detach(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that drop what cannot stay, the last first. Under the swap's locks."""
    found = plan.dependents
    parts = [
        *remember_filled(found.materialized_views),
        *(_drop_rule(rule) for rule in found.rules),
        *(_unbound(view) for view in found.views if view.through),
        *(drop(item) for item in reversed(recreated(found))),
    ]
    return _defining(parts)


def attach(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that bind everything to the tables that bear the names now."""
    found = plan.dependents
    parts: list[sql.Composable] = []
    for item in recreated(found):
        parts += create(item, plan.server.user)
    parts += [_replaced(view) for view in found.views]
    parts += [verbatim(r.definition.strip()) for r in found.routines if not r.through]
    parts += [part for rule in found.rules for part in _rule(rule)]
    # At last, for the queries may read any of the others; and under the session's own settings.
    views = [item for item in recreated(found) if item in found.materialized_views]
    return (*_defining(parts), *(Statement(part) for part in fill(views)))


def _defining(parts: list[sql.Composable]) -> tuple[Statement, ...]:
    if not parts:
        return ()
    return tuple(Statement(part) for part in (_DEFINING, *parts, _DEFINED))


def require_as_planned(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that fail when the plan does not know what hangs on the tables now."""
    found, closure = plan.dependents, [table.name for table in all_members(plan)]
    known = [
        *(_oid_of("to_regclass", name.identifier) for name in _relations(found)),
        *(_oid_of("to_regprocedure", verbatim(r.identity)) for r in found.routines),
    ]
    planned = [
        *(_planned("view", v.relation.identifier, "", v.definition) for v in found.views),
        *(
            _planned("view", v.relation.identifier, "", v.definition)
            for v in found.materialized_views
        ),
        *(_planned("routine", verbatim(r.identity), "", r.definition) for r in found.routines),
        *(_planned("rule", r.relation.identifier, r.name, r.definition) for r in found.rules),
    ]
    unknown = _unknown(closure, known)
    if not planned:
        return (unknown,)
    check = _AS_PLANNED.format(planned=sql.SQL(", ").join(planned))
    return (unknown, *_defining([check]))


def nothing_left(relations: list[RelationName]) -> Statement:
    """Return the statement that fails when a view, rule or routine still hangs on `relations`."""
    return _unknown(relations, [])


def _unknown(relations: list[RelationName], known: Sequence[sql.Composable]) -> Statement:
    tables = regclass_array([regclass(name.identifier) for name in relations])
    oids = sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(known))
    return Statement(_NOTHING_LEFT.format(tables=tables, known=oids))


def _oid_of(function: LiteralString, name: sql.Composable) -> sql.Composed:
    """0 for what is gone: NULL would make the comparison with all of them unknown."""
    return sql.SQL("coalesce({}({})::oid, 0)").format(
        sql.SQL(function), sql.Literal(name.as_string(None))
    )


def _planned(kind: LiteralString, name: sql.Composable, rule: str, definition: str) -> sql.Composed:
    digest = hashlib.md5(definition.encode(), usedforsecurity=False).hexdigest()
    return sql.SQL("({}, {}, {}, {})").format(
        sql.Literal(kind), sql.Literal(name.as_string(None)), sql.Literal(rule), sql.Literal(digest)
    )


def _relations(found: Dependents) -> list[RelationName]:
    """Return the views and the relations with rules."""
    names = {view.relation for view in found.views}
    names |= {view.relation for view in found.materialized_views}
    names |= {rule.relation for rule in found.rules}
    return sorted(names)


def _unbound(view: View) -> sql.Composed:
    columns = sql.SQL(", ").join([_null(column) for column in view.columns])
    return sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {}").format(
        view.relation.identifier, columns
    )


def _null(column: ViewColumn) -> sql.Composed:
    collate = (
        sql.SQL(" COLLATE {}").format(column.collation.identifier)
        if column.collation
        else sql.SQL("")
    )
    return sql.SQL("CAST(NULL AS {}){} AS {}").format(
        verbatim(column.type), collate, sql.Identifier(column.name)
    )


def _replaced(view: View) -> sql.Composed:
    """OR REPLACE sets the options anew, all of them."""
    options = (
        sql.SQL(" WITH ({})").format(options_list(view.options)) if view.options else sql.SQL("")
    )
    return sql.SQL("CREATE OR REPLACE VIEW {}{} AS {}").format(
        view.relation.identifier, options, verbatim(view.definition)
    )


def _drop_rule(rule: Rule) -> sql.Composed:
    return sql.SQL("DROP RULE {} ON {}").format(sql.Identifier(rule.name), rule.relation.identifier)


def _rule(rule: Rule) -> Iterator[sql.Composable]:
    name, relation = sql.Identifier(rule.name), rule.relation.identifier
    yield verbatim(rule.definition)
    if rule.enabled in _RULE_STATE:
        yield sql.SQL("ALTER TABLE {} {} RULE {}").format(
            relation, sql.SQL(_RULE_STATE[rule.enabled]), name
        )
    if rule.comment is not None:
        yield sql.SQL("COMMENT ON RULE {} ON {} IS {}").format(
            name, relation, sql.Literal(rule.comment)
        )
