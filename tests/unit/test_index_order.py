"""Which indexes are in the order of a foreign key's columns, and which in the order of rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.factories import (
    column,
    foreign_key,
    index,
    key,
    plan,
    primary,
    table,
    timestamp,
)
from uuidmig.catalog.model import ForeignKey, Index, Table
from uuidmig.engine.build import _cost, _Part
from uuidmig.planner.model import Plan
from uuidmig.steps.foreign_keys import joins_in_index_order
from uuidmig.steps.indexes import index_builds

CREATED = timestamp("created_at", not_null=True)
UNIQUE: dict[str, Any] = {"unique": True, "constraint": "u", "constraint_type": "u"}

NO_ORDER = [
    pytest.param(index("x", "a", partial=True), id="partial"),
    pytest.param(index("x", "a", valid=False), id="invalid"),
    pytest.param(index("x", "a", method="hash"), id="hash"),
    pytest.param(index("x", "a", method="gist"), id="gist"),
    pytest.param(index("x", None), id="expression"),
    pytest.param(index("x", None, "a"), id="after an expression"),
    pytest.param(index("x", "b", "a"), id="after another column"),
    pytest.param(index("x", "b", included=("a",)), id="included"),
]


def indexed(*indexes: Index) -> Table:
    return table("t", key(), column("a"), column("b"), column("c"), indexes=indexes)


@pytest.mark.parametrize("columns", [("a",), ("a", "b"), ("a", "b", "c")])
def test_an_index_has_the_order_of_its_first_columns(columns: tuple[str, ...]) -> None:
    assert indexed(index("x", "a", "b", "c")).has_btree_on(columns)


@pytest.mark.parametrize("columns", [("b",), ("b", "a"), ("a", "c"), ("a", "b", "c", "id")])
def test_an_index_has_no_other_order(columns: tuple[str, ...]) -> None:
    assert not indexed(index("x", "a", "b", "c")).has_btree_on(columns)


@pytest.mark.parametrize("useless", NO_ORDER)
def test_an_index_that_has_not_every_row_in_order(useless: Index) -> None:
    assert not indexed(useless).has_btree_on(("a",))


@pytest.mark.parametrize("useless", NO_ORDER)
def test_one_index_of_several_is_enough(useless: Index) -> None:
    assert indexed(useless, index("y", "a")).has_btree_on(("a",))
    assert indexed(index("y", "a"), useless).has_btree_on(("a",))


def test_a_table_without_index_has_no_order() -> None:
    assert not indexed().has_btree_on(("a",))


def schema(*of_child: Index, of_parent: tuple[Index, ...] = (), by: tuple[str, ...]) -> Plan:
    """Parents with two columns, and children that reference them by `a`, or by `a` and `b`."""
    parents = table("parents", key(), column("code", "text"), CREATED, indexes=of_parent)
    reference = foreign_key("parents", by, ("id", "code")[: len(by)])
    columns = (key(), column("a", not_null=True), column("b", "text", not_null=True), CREATED)
    children = table("children", *columns, keys=(reference,), indexes=(primary("id"), *of_child))
    return plan(parents, children)


def joins(of: Plan) -> bool:
    (reference,) = (key for found in of.tables for key in found.table.foreign_keys)
    return joins_in_index_order(of, reference)


def test_single_column_with_an_index_on_both_sides() -> None:
    assert joins(schema(index("x", "a"), of_parent=(primary("id"),), by=("a",)))


def test_no_index_of_the_child() -> None:
    assert not joins(schema(of_parent=(primary("id"),), by=("a",)))


@pytest.mark.parametrize("useless", NO_ORDER)
def test_no_order_in_the_index_of_the_child(useless: Index) -> None:
    assert not joins(schema(useless, of_parent=(primary("id"),), by=("a",)))


def test_two_columns_in_one_order_on_both_sides() -> None:
    parents = (primary("id"), index("u", "id", "code", **UNIQUE))
    assert joins(schema(index("x", "a", "b"), of_parent=parents, by=("a", "b")))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(("b", "a"), ("id", "code")), (("a", "b"), ("code", "id")), (("a",), ("id", "code"))],
)
def test_two_columns_in_another_order_on_one_side(
    ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    parents = (primary("id"), index("u", *theirs, **UNIQUE))
    assert not joins(schema(index("x", *ours), of_parent=parents, by=("a", "b")))


def outside_key(of: Plan, parent: str) -> ForeignKey:
    keys = [key for found in of.tables for key in found.table.foreign_keys]
    return next(key for key in (*keys, *of.incoming) if key.parent.name == parent)


def test_a_parent_outside_the_closure_counts() -> None:
    countries = table("countries", column("code", "text", not_null=True))
    shops = table(
        "shops",
        *(key(), column("country", "text"), CREATED),
        keys=(foreign_key("countries", "country", "code"),),
        indexes=(primary("id"), index("x", "country")),
    )
    result = plan(countries, shops)
    assert result.outside_tables
    assert joins_in_index_order(result, outside_key(result, "countries"))


def test_a_child_outside_the_closure_has_no_order_that_is_known() -> None:
    shops = table(
        "shops",
        *(key(), column("number", "int4", not_null=True), CREATED),
        indexes=(primary("id"), index("u", "number", **UNIQUE)),
    )
    visits = table(
        "visits",
        *(column("n", "int4", not_null=True), column("shop", "int4")),
        keys=(foreign_key("shops", "shop", "number"),),
        indexes=(primary("n"), index("x", "shop")),
    )
    result = plan(shops, visits)
    assert result.incoming
    assert not joins_in_index_order(result, outside_key(result, "shops"))


def test_only_own_new_keys_made_of_the_time_of_their_rows_come_in_order() -> None:
    """Such an index is built quicker, so the others start before it."""
    made = (key(), column("number", "int4", not_null=True), CREATED)
    orders = table("orders", *made, indexes=(primary("id"), index("by_number", "number", "id")))
    items = table(
        "items",
        *(key(), column("order", not_null=True), CREATED),
        keys=(foreign_key("orders", "order"),),
        indexes=(primary("id"), index("by_order", "order"), index("by_half", None, "id")),
    )
    timeless = table("timeless", key(), indexes=(primary("id"),))
    builds = index_builds(plan(orders, items, timeless))
    in_order = {(build.relation.name, build.name) for build in builds if build.in_order}
    assert in_order == {("orders", "pkey"), ("items", "pkey")}


def test_an_index_in_order_is_built_after_the_others_of_its_table() -> None:
    """The quicker ones fill up what time is left to the workers at the end."""
    items = table("items", key(), CREATED, indexes=(primary("id"), index("z_time", "created_at")))
    result = plan(items)
    (closed,) = result.tables
    parts = [_Part("vacuum", closed), *(_Part("index", closed, b) for b in index_builds(result))]
    by_cost = sorted(parts, key=_cost, reverse=True)
    assert [part.index and part.index.name for part in by_cost] == [None, "z_time", "pkey"]
