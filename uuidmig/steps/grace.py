"""The time between cutover and finish: old keys that applications remember go on working.

Applications hold old keys in memory. A BEFORE trigger translates an old parent key in a reference,
and the row's own old key in an INSERT (an upsert by a remembered key must meet its row), to the
new one. `UPDATE … WHERE id = <old key>` cannot be helped: it touches no row.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import ClosureTable, KeyDomain, Plan, Reference
from uuidmig.planner.rerouting import mixing_keys
from uuidmig.steps import names
from uuidmig.steps.mapped import MappedExpressions, holds_keys_inside, retired
from uuidmig.steps.model import Statement
from uuidmig.steps.soft import as_uuid, from_uuid, only_when, soft_references
from uuidmig.steps.soft_values import is_readable, with_other_keys

# The key map is filled only while a rollback is under way: it then replays rows into the retired
# tables, whose timestamps no longer tell the keys of the cutover. A row says so: the map of a table
# that had no rows stays empty, and exactly the snapshots that see the maps see this row.
_CURRENT_KEY = sql.SQL("""CREATE FUNCTION {function}(old_key uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET row_security = off
AS $uuidmig$
DECLARE
  found_keys uuid[];
BEGIN
  IF EXISTS (SELECT FROM uuidmig.key_map_filled) THEN
    SELECT array_agg(DISTINCT m.new) INTO found_keys FROM {map} m WHERE m.old = $1;
  ELSE
    SELECT array_agg(DISTINCT {value}) INTO found_keys FROM {relation} AS t{joins}
    WHERE {column} = $1;
  END IF;
  -- A key that is unique only together with other columns may be ambiguous: better none than wrong.
  IF cardinality(found_keys) = 1 THEN
    RETURN found_keys[1];
  END IF;
  RETURN NULL;
END
$uuidmig$""")

_GRACE = sql.SQL("""CREATE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog{settings} AS $uuidmig$
BEGIN
{body}  RETURN new;
END
$uuidmig$""")

_TRANSLATE_INSIDE = sql.SQL("""  IF {column} IS NOT NULL{readable} THEN
    {column} := {value};
  END IF;
""")
_CURRENT_INSIDE = sql.SQL(
    "CASE WHEN {condition}get_byte(uuid_send({key}), 6) & 240 <> 112 THEN {current}({key}) END"
)

_TRANSLATE = sql.SQL("""  IF {condition}get_byte(uuid_send({key}), 6) & 240 <> 112 THEN
    {column} := coalesce({current}, {column});
  END IF;
""")

_REFUSE = sql.SQL("""  IF TG_OP = 'INSERT' AND {condition}get_byte(uuid_send({key}), 6) & 240 <> 112
     AND {current} <> {key} THEN
    RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
      MESSAGE = format('%s is an old key: it is %s now', {key}, {current}),
      HINT = format('Read the key again. It cannot be translated here, as %I.%I is a partition by '
                    'this key.', tg_table_schema, tg_table_name);
  END IF;
""")


def key_maps(plan: Plan) -> tuple[Statement, ...]:
    """Return the empty key maps that a rollback fills, and what says that it has."""
    maps = tuple(
        Statement(
            sql.SQL("CREATE TABLE {} (new uuid NOT NULL, old uuid NOT NULL)").format(
                key_map(domain)
            )
        )
        for domain in plan.domains
    )
    return (*maps, Statement(sql.SQL("CREATE TABLE uuidmig.key_map_filled ()")))


def key_map(domain: KeyDomain) -> sql.Identifier:
    return names.own("key_map", domain.number)


def current_key(domain: KeyDomain) -> sql.Identifier:
    return names.own("current_key", domain.number)


def lookup_functions(plan: Plan) -> tuple[Statement, ...]:
    """Return the look-ups old key -> new key, one a domain, and uuidmig_keys.current_key(uuid)."""
    statements = [Statement(_current_key_function(plan, domain)) for domain in plan.domains]
    calls = sql.SQL(", ").join(
        [sql.SQL("{}($1)").format(current_key(domain)) for domain in plan.domains]
    )
    statements.append(
        Statement(
            sql.SQL(
                "CREATE FUNCTION uuidmig_keys.current_key(old_key uuid) RETURNS uuid"
                " LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog"
                " AS $uuidmig$ SELECT coalesce({}, $1) $uuidmig$"
            ).format(calls)
        )
    )
    grant = sql.SQL("GRANT EXECUTE ON FUNCTION uuidmig_keys.current_key(uuid) TO PUBLIC")
    return (*statements, Statement(grant))


def _current_key_function(plan: Plan, domain: KeyDomain) -> sql.Composed:
    table = plan.table(domain.root.table)
    expressions = MappedExpressions(plan, retired)
    value = expressions.value(table, domain.root.column, "t")
    return _CURRENT_KEY.format(
        function=current_key(domain),
        map=key_map(domain),
        value=value,
        relation=retired(table),
        joins=sql.SQL("").join(expressions.joins),
        column=sql.Identifier("t", domain.root.column),
    )


def id_map(plan: Plan) -> Statement:
    """Return the view uuidmig.id_map: table_name, old, new of every key converted."""
    selects = []
    for domain in plan.domains:
        table = plan.table(domain.root.table)
        expressions = MappedExpressions(plan, retired)
        value = expressions.value(table, domain.root.column, "t")
        selects.append(
            sql.SQL(
                "SELECT {}::text AS table_name, {}::uuid AS old, {} AS new FROM {} AS t{}"
            ).format(
                sql.Literal(str(table.name)),
                sql.Identifier("t", domain.root.column),
                value,
                retired(table),
                sql.SQL("").join(expressions.joins),
            )
        )
    return Statement(
        sql.SQL("CREATE VIEW uuidmig.id_map AS {}").format(sql.SQL(" UNION ALL ").join(selects))
    )


def grace_triggers(plan: Plan) -> tuple[Statement, ...]:
    """Return the translating functions and triggers; nothing with `--no-grace`."""
    if not plan.options.grace:
        return ()
    return tuple(statement for table in plan.tables for statement in _table(plan, table))


def _table(plan: Plan, table: ClosureTable) -> tuple[Statement, ...]:
    function = names.own("grace", table.number)
    own_key = sql.SQL("TG_OP = 'INSERT' AND ")
    parts = _refusals(plan, table)
    parts += [_translate(plan, column, number, own_key) for column, number in table.roots]
    parts += [
        _translate(plan, r.column, r.domain, only_when(r.when, "new"), r.form)
        for r in table.references
        if not holds_keys_inside(table, r.column)
    ]
    inside = dict.fromkeys(r.column for r in table.references if holds_keys_inside(table, r.column))
    parts += [_translate_inside(plan, table, column) for column in inside]
    # A row that becomes one of the rows in which the reference is holds a key from then on.
    deciding = [r.when.column for r in table.references if r.when is not None]
    columns = list(dict.fromkeys([*(r.column for r in table.references), *deciding]))
    update = (
        sql.SQL(" OR UPDATE OF {}").format(names.column_list(columns)) if columns else sql.SQL("")
    )
    trigger = sql.SQL(
        "CREATE TRIGGER {} BEFORE INSERT{} ON {} FOR EACH ROW EXECUTE FUNCTION {}()"
    ).format(sql.Identifier(names.GRACE), update, table.name.identifier, function)
    # To compile what looks into a document takes longer than a thousand writes do.
    settings = sql.SQL(" SET jit = off" if inside else "")
    body = _GRACE.format(function=function, settings=settings, body=sql.Composed(parts))
    return (Statement(body), Statement(trigger))


def _refusals(plan: Plan, table: ClosureTable) -> list[sql.Composed]:
    """The server has chosen a row's partition before any trigger: it takes no other key by then.

    An UPDATE may go on: the server looks for the row's partition after these triggers.
    """
    deciding = set(mixing_keys(table))
    found: list[tuple[str, int, sql.Composable, str]] = [
        (column, number, sql.SQL(""), "uuid") for column, number in table.roots
    ]
    found += [(r.column, r.domain, only_when(r.when, "new"), r.form) for r in table.references]
    parts: list[sql.Composed] = []
    for column, number, condition, form in found:
        if column in deciding:
            key = as_uuid(form, sql.Identifier("new", column))
            current = sql.SQL("{}({})").format(current_key(plan.domain(number)), key)
            parts.append(_REFUSE.format(condition=condition, key=key, current=current))
    return parts


def _translate(
    plan: Plan, column: str, number: int, condition: sql.Composable, form: str = "uuid"
) -> sql.Composed:
    name = sql.Identifier("new", column)
    key = as_uuid(form, name)
    current = sql.SQL("{}({})").format(current_key(plan.domain(number)), key)
    return _TRANSLATE.format(
        condition=condition, column=name, key=key, current=from_uuid(form, current)
    )


def _translate_inside(plan: Plan, table: ClosureTable, column: str) -> sql.Composed:
    """Every key in an array or a document that is no new one is looked up, whenever it is set."""

    def new_key(reference: Reference, key: sql.Composable) -> sql.Composable:
        return _CURRENT_INSIDE.format(
            condition=only_when(reference.when, "new"),
            key=key,
            current=current_key(plan.domain(reference.domain)),
        )

    name = sql.Identifier("new", column)
    references = soft_references(table, column)
    value = with_other_keys(references, name, new_key)
    # Asked first: to plan the assignment the server looks into the document, whatever CASE says.
    is_json = references[0].form == "json"
    readable = sql.SQL(" AND {}").format(is_readable(name)) if is_json else sql.SQL("")
    return _TRANSLATE_INSIDE.format(column=name, readable=readable, value=value)


def drop_grace(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that take the grace triggers off the live tables."""
    return tuple(
        Statement(
            sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
                sql.Identifier(names.GRACE), table.name.identifier
            )
        )
        for table in plan.tables
    )
