"""Arrays and documents that hold keys, with other keys in their place.

One expression of built-ins for all declarations of a column, to stand in a SELECT or an assignment.
A value in which nothing is a known key comes back as it is, to the byte.
"""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from uuidmig.planner.json_path import JsonPath, read_path
from uuidmig.planner.model import Reference
from uuidmig.steps.soft import as_uuid

ARRAY_FORMS = ("uuid[]", "text[]")
DOCUMENT_FORMS = ("json", "jsonb")

KeyLookup = Callable[[Reference, sql.Composable], sql.Composable]
"""From a key (uuid) that a reference may hold to the one it becomes; NULL where it is no key."""

# Keys before other keys are looked up, in subqueries that OFFSET 0 keeps from being merged: what
# stands in them is computed once. Arrays of several dimensions have no place for each element.
_ARRAY = sql.SQL("""coalesce((
    SELECT CASE array_lower({array}, 1) WHEN 1 THEN {elements} ELSE
        array_fill(({elements})[1], ARRAY[1], ARRAY[array_lower({array}, 1)]) || ({elements})[2:]
      END
    FROM (
      SELECT k.value, k.place, {new} AS new
      FROM (
        SELECT e.value, e.place, {key} AS key
        FROM unnest({array}) WITH ORDINALITY AS e (value, place)
        WHERE array_ndims({array}) = 1
        OFFSET 0
      ) AS k OFFSET 0
    ) AS n
    HAVING count(n.new) > 0
  ), {array})""")
_ELEMENTS = sql.SQL("array_agg(coalesce(n.new, n.value) ORDER BY n.place)")

# The new document, NULL while none of its paths led to a key. `doc` is the old one: #> '{}' gives
# it back, read from where it is stored once for all that look into it.
_DOCUMENT = sql.SQL("coalesce((SELECT d.new FROM ({last}) AS d), {document})")
_FIRST = sql.SQL("SELECT {document} #> '{{}}' AS doc, NULL::{type} AS new OFFSET 0")
_NEXT = sql.SQL("SELECT d.doc, coalesce({changed}, d.new) AS new FROM ({before}) AS d OFFSET 0")
_SO_FAR = sql.SQL("coalesce(d.new, d.doc)")

_ELEMENT_STEP = sql.SQL("""CASE WHEN {typeof}({value}) = 'array' THEN (
    SELECT {agg}(coalesce({after}.new, {after}.value) ORDER BY {after}.place)
    FROM (
      SELECT {item}.value, {item}.place, {inner} AS new
      FROM {array_elements}({value}) WITH ORDINALITY AS {item} (value, place) OFFSET 0
    ) AS {after}
    HAVING count({after}.new) > 0
  ) END""")
_JSONB_KEYS = sql.SQL("jsonb_set({value}, ARRAY[{keys}], {inner}, false)")
# Order, doubles and the text of all other values stay what they are.
_JSON_KEY = sql.SQL("""CASE WHEN json_typeof({value}) = 'object' THEN (
    SELECT json_object_agg({after}.key, coalesce({after}.new, {after}.value) ORDER BY {after}.place)
    FROM (
      SELECT {item}.key, {item}.value, {item}.place,
        CASE WHEN {item}.key = {name} THEN {inner} END AS new
      FROM json_each({value}) WITH ORDINALITY AS {item} (key, value, place) OFFSET 0
    ) AS {after}
    HAVING count({after}.new) > 0
  ) END""")
_LEAF = sql.SQL("""(
    SELECT {to}({new}::text)
    FROM (
      SELECT {key} AS key WHERE {typeof}({value}) = 'string' OFFSET 0
    ) AS k
    WHERE k.key IS NOT NULL
  )""")

# A json may hold escapes that no text can: every function that has to decode one is an error.
_UTF8 = "UTF8"
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_UNREADABLE = r"\\u(0000|[dD][89a-fA-F])"
_NOT_ASCII = r"\\u(0000|00[89a-fA-F]|0[1-9a-fA-F]|[1-9a-fA-F])"
_READABLE = sql.SQL("""(strpos({text}, {escape}) = 0 OR CASE getdatabaseencoding() WHEN {utf8}
    THEN regexp_replace(replace({text}, {backslashes}, '') COLLATE "C", {pair}, '', 'g')
      COLLATE "C" !~ {unreadable}
    ELSE replace({text}, {backslashes}, '') COLLATE "C" !~ {not_ascii} END)""")
_IF_READABLE = sql.SQL("CASE WHEN {readable} THEN {value} ELSE {document} END")


def with_other_keys(
    references: tuple[Reference, ...], column: sql.Composable, lookup: KeyLookup
) -> sql.Composable:
    """Return the new value of an array or document; where two references fit, the first counts."""
    form = references[0].form
    if form in ARRAY_FORMS:
        return _array(references, column, lookup)
    last = _FIRST.format(document=column, type=sql.SQL("json" if form == "json" else "jsonb"))
    for path, found in _by_path(references).items():
        changed = _changed(form, path, _SO_FAR, _new_key(found, lookup), 1)
        last = _NEXT.format(changed=changed, before=last)
    value = _DOCUMENT.format(last=last, document=column)
    if form == "jsonb":
        return value
    return _IF_READABLE.format(readable=is_readable(column), value=value, document=column)


def _by_path(references: tuple[Reference, ...]) -> dict[JsonPath, list[Reference]]:
    """Two paths never lead to one value, so one can be followed after the other."""
    found: dict[JsonPath, list[Reference]] = {}
    for reference in references:
        found.setdefault(read_path(reference.path or "$"), []).append(reference)
    return found


def _new_key(references: list[Reference], lookup: KeyLookup) -> sql.Composable:
    key = sql.SQL("k.key")
    looked_up = sql.SQL(", ").join([lookup(reference, key) for reference in references])
    return sql.SQL("coalesce({})").format(looked_up)


def _array(
    references: tuple[Reference, ...], column: sql.Composable, lookup: KeyLookup
) -> sql.Composable:
    new = _new_key(list(references), lookup)
    form = "uuid"
    if references[0].form == "text[]":
        # varchar[] and text[] have no common type of their own.
        form, column = "text", sql.SQL("{}::text[]").format(column)
        new = sql.SQL("{}::text").format(new)
    return _ARRAY.format(
        array=column, elements=_ELEMENTS, new=new, key=as_uuid(form, sql.SQL("e.value"))
    )


def _changed(
    form: str, path: JsonPath, value: sql.Composable, new: sql.Composable, depth: int
) -> sql.Composable:
    """Return the value with new keys where the path leads, NULL when it leads to no key."""
    if not path:
        return _LEAF.format(
            to=_function("to", form),
            new=new,
            key=as_uuid("text", sql.SQL("({} #>> '{{}}')").format(value)),
            typeof=_function(form, "typeof"),
            value=value,
        )
    item, after = sql.Identifier(f"e{depth}"), sql.Identifier(f"n{depth}")
    below = sql.SQL("{}.value").format(item)
    if path[0] is None:
        return _ELEMENT_STEP.format(
            typeof=_function(form, "typeof"),
            agg=_function(form, "agg"),
            array_elements=_function(form, "array_elements"),
            value=value,
            item=item,
            after=after,
            inner=_changed(form, path[1:], below, new, depth + 1),
        )
    if form == "json":
        return _JSON_KEY.format(
            value=value,
            item=item,
            after=after,
            name=sql.Literal(path[0]),
            inner=_changed(form, path[1:], below, new, depth + 1),
        )
    keys = _leading_keys(path)
    inner = _changed(form, path[len(keys) :], under(value, keys), new, depth + 1)
    listed = sql.SQL(", ").join(map(sql.Literal, keys))
    return _JSONB_KEYS.format(value=value, keys=listed, inner=inner)


def _leading_keys(path: JsonPath) -> list[str]:
    keys: list[str] = []
    for step in path:
        if step is None:
            break
        keys.append(step)
    return keys


def under(value: sql.Composable, keys: list[str]) -> sql.Composable:
    """Return what is under these keys of nested objects of a jsonb; NULL when something is missing.

    Not #>, which takes a number for the place in an array.
    """
    for name in keys:
        value = sql.SQL("{} -> {}::text").format(value, sql.Literal(name))
    return sql.SQL("({})").format(value)


def _function(*parts: str) -> sql.Identifier:
    return sql.Identifier("pg_catalog", "_".join(parts))


def is_readable(document: sql.Composable) -> sql.Composable:
    """Return whether the server can decode all strings of a json, which it takes unseen."""
    return _READABLE.format(
        text=sql.SQL("{}::text").format(document),
        escape=sql.Literal("\\u"),
        backslashes=sql.Literal("\\\\"),
        utf8=sql.Literal(_UTF8),
        pair=sql.Literal(_PAIR),
        unreadable=sql.Literal(_UNREADABLE),
        not_ascii=sql.Literal(_NOT_ASCII),
    )
