"""Which rows hold certain keys in a soft reference: by an index, or by a scan of the table."""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.json_path import JsonPath, read_path
from uuidmig.planner.model import ClosureTable, Reference
from uuidmig.planner.soft_references import is_indexed
from uuidmig.steps import names
from uuidmig.steps.soft import applies, from_uuid
from uuidmig.steps.soft_values import ARRAY_FORMS, DOCUMENT_FORMS, is_readable, under
from uuidmig.steps.verbatim import base_type

_ADD_ROWS = sql.SQL("""    INSERT INTO {work}
      SELECT DISTINCT 'I'::"char", {columns} FROM {rows}{condition};
""")

_ALL = sql.SQL("{source} AS t WHERE {column} IS NOT NULL")
# Not the column is converted but the keys: an index on it shall be of use.
_EQUAL = sql.SQL("{source} AS t WHERE {column} IN (SELECT {key} FROM ({keys}) AS m (key))")
# One look-up a key: && with all of them would compare each with each element.
_CONTAINING = sql.SQL("({keys}) AS m (key) JOIN {source} AS t ON {column} @> {pattern} WHERE true")
# One scan, and one hash of the keys.
_SCANNED = sql.SQL(
    "{source} AS t{inside} WHERE {value} IN (SELECT {key} FROM ({keys}) AS m (key)){conditions}"
)

_ELEMENTS = sql.SQL(" CROSS JOIN LATERAL unnest({column}) AS e (value)")
_ARRAY_STEP = sql.SQL(
    " CROSS JOIN LATERAL {array_elements}(CASE WHEN {typeof}({value}) = 'array' THEN {value} END)"
    " AS {item} (value)"
)
_JSON_STEP = sql.SQL(
    " CROSS JOIN LATERAL json_each(CASE WHEN json_typeof({value}) = 'object' THEN {value} END)"
    " AS {item} (key, value)"
)
_KEY = sql.SQL("m.key")


def add_rows(
    work: sql.Composable,
    columns: tuple[str, ...],
    holder: ClosureTable,
    reference: Reference,
    keys: sql.Composable | None,
) -> sql.Composed:
    """Return the INSERT that adds rows of `holder` to its work table.

    They are those that reference one of `keys` (a SELECT of uuids), for None all that may
    reference anything. It may be some more.
    """
    column, source = sql.Identifier("t", reference.column), holder.name.identifier
    if keys is None:
        rows = _ALL.format(source=source, column=column)
    elif reference.form not in (*ARRAY_FORMS, *DOCUMENT_FORMS):
        key = from_uuid(reference.form, _KEY)
        rows = _EQUAL.format(source=source, column=column, key=key, keys=keys)
    elif is_indexed(holder.table, reference.column, reference.form):
        pattern = _pattern(holder, reference)
        rows = _CONTAINING.format(keys=keys, source=source, column=column, pattern=pattern)
    else:
        rows = _scanned(reference, source, column, keys)
    return _ADD_ROWS.format(
        work=work,
        columns=names.qualified("t", columns),
        rows=rows,
        condition=applies(reference.when, "t"),
    )


def _pattern(holder: ClosureTable, reference: Reference) -> sql.Composable:
    """Return the smallest array or document that holds the key m.key where the reference is."""
    if reference.form in ARRAY_FORMS:
        array = base_type(holder.table.column(reference.column))
        return sql.SQL("ARRAY[{}]::{}").format(_KEY, array)
    pattern: sql.Composable = sql.SQL("to_jsonb(m.key::text)")
    for step in reversed(read_path(reference.path or "$")):
        if step is None:
            pattern = sql.SQL("jsonb_build_array({})").format(pattern)
        else:
            pattern = sql.SQL("jsonb_build_object({}::text, {})").format(sql.Literal(step), pattern)
    return pattern


def _scanned(
    reference: Reference, source: sql.Composable, column: sql.Composable, keys: sql.Composable
) -> sql.Composed:
    conditions: sql.Composable = sql.SQL("")
    if reference.form in ARRAY_FORMS:
        inside: sql.Composable = _ELEMENTS.format(column=column)
        value: sql.Composable = sql.SQL("e.value")
        form = reference.form.removesuffix("[]")
    else:
        path = read_path(reference.path or "$")
        value, inside, conditions = _inside(reference.form, column, path)
        value, form = sql.SQL("({} #>> '{{}}')").format(value), "text"
    return _SCANNED.format(
        source=source,
        inside=inside,
        value=value,
        key=from_uuid(form, _KEY),
        keys=keys,
        conditions=conditions,
    )


def _inside(
    form: str, value: sql.Composable, path: JsonPath
) -> tuple[sql.Composable, sql.Composable, sql.Composable]:
    """Return what is at the path, the joins that lead there, and the conditions on them."""
    joins: list[sql.Composable] = []
    conditions: list[sql.Composable] = []
    if form == "json":
        readable = is_readable(value)
        value = sql.SQL("(CASE WHEN {} THEN {} END)").format(readable, value)
    for depth, step in enumerate(path, start=1):
        item = sql.Identifier(f"e{depth}")
        if step is None:
            joins.append(
                _ARRAY_STEP.format(
                    array_elements=sql.Identifier("pg_catalog", f"{form}_array_elements"),
                    typeof=sql.Identifier("pg_catalog", f"{form}_typeof"),
                    value=value,
                    item=item,
                )
            )
        elif form == "json":
            joins.append(_JSON_STEP.format(value=value, item=item))
            conditions.append(sql.SQL(" AND {}.key = {}").format(item, sql.Literal(step)))
        else:
            value = under(value, [step])
            continue
        value = sql.SQL("{}.value").format(item)
    return value, sql.Composed(joins), sql.Composed(conditions)
