"""The expressions that put other keys into arrays and documents."""

from __future__ import annotations

import re

from psycopg import sql

from tests.unit.factories import column, foreign_key, index, key, plan, primary, table, timestamp
from uuidmig.planner.model import Plan, PlanOptions, Reference, SoftReference
from uuidmig.steps.copying import copy_statement, roots_to_look_up
from uuidmig.steps.soft_rows import add_rows
from uuidmig.steps.soft_values import with_other_keys

ORDERS = table("orders", key(), timestamp("created_at", not_null=True))


def planned(kind: str, path: str | None = None, *, method: str = "gin") -> Plan:
    holder = table(
        "log",
        column("n", "int8", not_null=True),
        column("held", kind),
        indexes=(primary("n"), index("by_held", "held", method=method)),
    )
    options = PlanOptions(soft_references=(SoftReference("log.held", "orders.id", path=path),))
    return plan(ORDERS, holder, options=options)


def looked_up(reference: Reference, found: sql.Composable) -> sql.Composable:
    return sql.SQL("new_key({})").format(found)


def value(kind: str, path: str | None = None) -> str:
    references = planned(kind, path).tables[1].references
    text = with_other_keys(references, sql.Identifier("t", "held"), looked_up).as_string(None)
    return one_line(text)


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_an_array_is_taken_apart_and_put_together_in_order() -> None:
    assert value("_uuid") == (
        'coalesce(( SELECT CASE array_lower("t"."held", 1) WHEN 1 THEN'
        " array_agg(coalesce(n.new, n.value) ORDER BY n.place) ELSE"
        " array_fill((array_agg(coalesce(n.new, n.value) ORDER BY n.place))[1], ARRAY[1],"
        ' ARRAY[array_lower("t"."held", 1)])'
        " || (array_agg(coalesce(n.new, n.value) ORDER BY n.place))[2:] END"
        " FROM ( SELECT k.value, k.place, coalesce(new_key(k.key)) AS new"
        " FROM ( SELECT e.value, e.place, e.value AS key"
        ' FROM unnest("t"."held") WITH ORDINALITY AS e (value, place)'
        ' WHERE array_ndims("t"."held") = 1 OFFSET 0 ) AS k OFFSET 0 ) AS n'
        ' HAVING count(n.new) > 0 ), "t"."held")'
    )


def test_keys_of_nested_objects_are_set_at_once() -> None:
    text = value("jsonb", "$.a.b")
    assert "jsonb_set(coalesce(d.new, d.doc), ARRAY['a', 'b'], " in text
    assert "(coalesce(d.new, d.doc) -> 'a'::text -> 'b'::text)" in text
    assert text.endswith('NULL::jsonb AS new OFFSET 0) AS d OFFSET 0) AS d), "t"."held")')


def test_a_json_that_cannot_be_read_is_left_alone() -> None:
    text = value("json", "$.a")
    assert text.startswith('CASE WHEN (strpos("t"."held"::text, ')
    assert text.endswith('ELSE "t"."held" END')


def test_the_copy_is_one_statement() -> None:
    for kind, path in (("_uuid", None), ("_text", None), ("jsonb", "$.a[*].b"), ("json", "$[*]")):
        made = planned(kind, path)
        text = copy_statement(made, made.tables[1], (0, None)).text
        assert text.startswith("INSERT INTO")
        assert "(SELECT encode(CASE WHEN" in text
        assert 'WHERE "s"."id" = k.key)' in text
        assert "JOIN" not in text


def rows(kind: str, path: str | None = None, *, method: str = "gin") -> str:
    made = planned(kind, path, method=method)
    (reference,) = made.tables[1].references
    keys = sql.SQL("SELECT old FROM moved")
    statement = add_rows(sql.SQL("work"), ("n",), made.tables[1], reference, keys)
    return one_line(statement.as_string(None))


def test_rows_are_found_by_an_index_where_there_is_one() -> None:
    found = '(SELECT old FROM moved) AS m (key) JOIN "public"."log" AS t ON "t"."held" @> '
    assert found + 'ARRAY[m.key]::"pg_catalog"."_uuid"' in rows("_uuid")
    assert found + 'ARRAY[m.key]::"pg_catalog"."_varchar"' in rows("_varchar")
    nested = "jsonb_build_object('a'::text, jsonb_build_array(jsonb_build_object('b'::text,"
    assert found + nested + " to_jsonb(m.key::text))))" in rows("jsonb", "$.a[*].b")


def test_rows_are_found_by_a_scan_where_there_is_none() -> None:
    wanted = "IN (SELECT m.key FROM (SELECT old FROM moved) AS m (key))"
    assert f"e.value {wanted}" in rows("_uuid", method="btree")
    for text in (rows("jsonb", "$.a[*].b", method="btree"), rows("json", "$.a[*].b")):
        assert "IN (SELECT m.key::text FROM (SELECT old FROM moved) AS m (key))" in text
        assert "@>" not in text


def test_no_wide_claims_where_keys_inside_have_borrowed_their_time() -> None:
    """They are made without nested loops, and each key would read the whole parent."""
    letters = table(
        "letters",
        key(),
        column("order_id", not_null=True),
        keys=(foreign_key("orders", "order_id"),),
    )
    holder = table(
        "log",
        column("n", "int8", not_null=True),
        column("order_id", not_null=True),
        column("held", "_uuid"),
        indexes=(primary("n"),),
        keys=(foreign_key("orders", "order_id"),),
    )
    for target, wide in (("orders.id", True), ("letters.id", False)):
        reference = SoftReference("log.held", target)
        made = plan(ORDERS, letters, holder, options=PlanOptions(soft_references=(reference,)))
        (log,) = (entry for entry in made.tables if entry.name.name == "log")
        assert bool(roots_to_look_up(made, log)) is wide
