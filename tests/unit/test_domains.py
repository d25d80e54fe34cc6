from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.factories import (
    catalog,
    column,
    foreign_key,
    index,
    key,
    name,
    plan,
    primary,
    relation,
    table,
    timestamp,
)
from uuidmig.catalog.model import KeyCounts, RelationName, Table
from uuidmig.errors import ConfigurationError, NothingToMigrate
from uuidmig.planner import candidate_roots
from uuidmig.planner.model import Plan, PlanOptions, Reference

EMPTY = KeyCounts(0, 0, 0, exact=True)
V7_ONLY = KeyCounts(0, 10, 0, exact=True)
V1_ONLY = KeyCounts(0, 0, 10, exact=True)

CUSTOMERS = table("customers", key(), timestamp("created_at"))
ORDERS = table(
    "orders",
    key(),
    column("customer_id"),
    column("parent_id"),
    timestamp("placed_at"),
    keys=(foreign_key("customers", "customer_id"), foreign_key("orders", "parent_id")),
)
TAGS = table("sales.tags", key(), timestamp("created_at"))
PLACES = table("places", column("id", "int8"), column("tag_id"))


def roots(result: Plan) -> list[str]:
    return [str(domain.root) for domain in result.domains]


def members(result: Plan, root: str) -> list[str]:
    return next([str(m) for m in d.members] for d in result.domains if str(d.root) == root)


def names(result: Plan) -> list[str]:
    return [str(entry.name) for entry in result.tables]


def test_self_reference_and_plain_reference() -> None:
    result = plan(ORDERS, CUSTOMERS)

    assert roots(result) == ["public.customers.id", "public.orders.id"]
    assert members(result, "public.customers.id") == ["public.orders.customer_id"]
    assert members(result, "public.orders.id") == ["public.orders.parent_id"]
    assert names(result) == ["public.customers", "public.orders"]


def test_chain_of_primary_keys_is_one_domain() -> None:
    profiles = table("profiles", key(default=None), keys=(foreign_key("customers", "id"),))
    photos = table("photos", key(default=None), keys=(foreign_key("profiles", "id"),))

    result = plan(photos, profiles, CUSTOMERS)

    assert roots(result) == ["public.customers.id"]
    assert result.tables[2].references == (
        Reference("id", 1, "id_fkey", relation("profiles"), "id"),
    )


def test_cycle_on_the_same_columns_takes_the_table_with_a_timestamp_as_root() -> None:
    first = table("a", key(), keys=(foreign_key("b", "id"),))
    second = table("b", key(), timestamp("created_at"), keys=(foreign_key("a", "id"),))

    result = plan(first, second)

    assert roots(result) == ["public.b.id"]
    assert members(result, "public.b.id") == ["public.a.id"]


def test_cycle_of_different_columns_numbers_tables_by_name() -> None:
    first = table("a", key(), column("b_id"), keys=(foreign_key("b", "b_id"),))
    second = table("b", key(), column("a_id"), keys=(foreign_key("a", "a_id"),))
    child = table("aa", key(), column("b_id"), keys=(foreign_key("b", "b_id"),))

    assert names(plan(child, second, first)) == ["public.a", "public.b", "public.aa"]


def test_column_that_is_no_uuid_is_no_member() -> None:
    parent = table("p", key("id"), column("tenant", "int4"))
    child = table(
        "c",
        key(),
        column("tenant", "int4"),
        column("p_id"),
        keys=(foreign_key("p", ("tenant", "p_id"), ("tenant", "id")),),
    )

    assert members(plan(parent, child), "public.p.id") == ["public.c.p_id"]


def test_foreign_key_straight_to_the_root_is_preferred() -> None:
    keys = (
        foreign_key("profiles", "owner", name="a_detour"),
        foreign_key("customers", "owner", name="b_direct"),
    )
    profiles = table("profiles", key(default=None), keys=(foreign_key("customers", "id"),))
    notes = table("notes", key(), column("owner"), keys=keys)

    (reference,) = plan(CUSTOMERS, profiles, notes).table(relation("notes")).references

    assert reference.foreign_key == "b_direct"


def test_single_column_is_preferred_to_a_composite_key_where_the_root_is_unique() -> None:
    keys = (
        foreign_key("customers", ("x", "owner"), ("x", "id"), name="a_pair"),
        foreign_key("customers", "owner", name="b_single"),
    )
    customers = table("customers", key(), column("x", "int4"))
    notes = table("notes", key(), column("x", "int4"), column("owner"), keys=keys)

    (reference,) = plan(customers, notes).table(relation("notes")).references

    assert reference.foreign_key == "b_single"


def composite(**changes: object) -> tuple[Table, Table]:
    orders = table(
        "orders",
        column("tenant", "int4", not_null=True),
        key("id", **changes),
        timestamp("created_at"),
        indexes=(primary("tenant", "id"),),
    )
    items = table(
        "items",
        key(),
        column("tenant", "int4", not_null=True),
        column("order_id"),
        keys=(foreign_key("orders", ("tenant", "order_id"), ("tenant", "id")),),
    )
    return orders, items


def test_composite_key_is_resolved_through_the_composite_foreign_key() -> None:
    result = plan(*composite())

    domain = result.domain(result.tables[0].roots[0][1])
    assert not domain.root_unique
    assert domain.timestamp.kind == "column"
    (reference,) = result.table(relation("items")).references
    assert reference.foreign_key == "tenant_order_id_fkey"
    assert result.tables[0].identity == ("tenant", "id")


def test_shared_key_without_generator_gets_plan_time_so_that_equal_stays_equal() -> None:
    result = plan(*composite(default=None))

    (domain,) = (d for d in result.domains if d.root == name("orders.id"))
    assert domain.timestamp.kind == "plan_time"
    assert "not unique" in domain.timestamp.reason


def test_user_may_say_that_a_shared_key_has_its_own_time() -> None:
    options = PlanOptions(timestamps=(("orders", "created_at"),))

    result = plan(*composite(default=None), options=options)

    (domain,) = (d for d in result.domains if d.root == name("orders.id"))
    assert domain.timestamp.column == "created_at"


def test_reference_to_a_table_not_chosen_leaves_it_outside() -> None:
    result = plan(ORDERS, CUSTOMERS, options=PlanOptions(tables=("orders",)))

    assert roots(result) == ["public.orders.id"]
    assert names(result) == ["public.orders"]
    assert [str(t.name) for t in result.outside_tables] == ["public.customers"]


def test_reference_by_other_columns_comes_from_outside() -> None:
    orders = replace(ORDERS, columns=(*ORDERS.columns, column("number", "int8")))
    labels = table(
        "labels",
        column("id", "int8"),
        column("order_number", "int8"),
        keys=(foreign_key("orders", "order_number", "number"),),
    )

    result = plan(orders, CUSTOMERS, labels)

    assert [str(key.child) for key in result.incoming] == ["public.labels"]


@pytest.mark.parametrize("text", ["tags", "sales.tags", '"tags"', '"sales"."tags"', "Sales.TAGS"])
def test_table_names_with_schema_and_quotes_or_without(text: str) -> None:
    result = plan(ORDERS, CUSTOMERS, TAGS, options=PlanOptions(tables=(text,)))

    assert roots(result) == ["sales.tags.id"]


def test_odd_name_as_it_is_and_quoted() -> None:
    odd = replace(CUSTOMERS, name=RelationName("public", 'Odd "name". x'))
    for text in ('Odd "name". x', '"Odd ""name"". x"', 'public."Odd ""name"". x"'):
        assert names(plan(odd, TAGS, options=PlanOptions(tables=(text,)))) == [str(odd.name)]


def test_exact_spelling_goes_before_folding() -> None:
    upper = table("Tags", key(), timestamp("created_at"))

    assert names(plan(upper, TAGS, options=PlanOptions(tables=("Tags",)))) == ["public.Tags"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PlanOptions(tables=("oders",)), "did you mean public.orders"),
        (PlanOptions(tables=("xyz",)), '"xyz" does not exist$'),
        (PlanOptions(tables=("places",)), "no primary key column of type uuid"),
        (PlanOptions(schemas=("sale",)), "did you mean sales"),
        (PlanOptions(timestamps=(("orders", "id"),)), "has: placed_at"),
        (PlanOptions(timestamps=(("places", "x"),)), "no key of its own"),
    ],
)
def test_options_that_do_not_fit(options: PlanOptions, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        plan(ORDERS, CUSTOMERS, TAGS, PLACES, options=options)


def test_name_in_two_schemas_is_ambiguous_unless_the_schema_is_chosen() -> None:
    tables = (TAGS, table("tags", key(), timestamp("created_at")))

    with pytest.raises(ConfigurationError, match=r"public\.tags, sales\.tags"):
        plan(*tables, options=PlanOptions(tables=("tags",)))
    chosen = PlanOptions(tables=("tags",), schemas=("sales",))
    assert names(plan(*tables, options=chosen)) == ["sales.tags"]


def test_schema_restricts_roots() -> None:
    assert candidate_roots(catalog(ORDERS, CUSTOMERS, TAGS), PlanOptions(schemas=("sales",))) == (
        name("sales.tags.id"),
    )


def test_unique_key_that_only_a_join_table_uses_as_primary_key_is_chosen() -> None:
    users = table(
        "users",
        column("id", "int8"),
        key("public_id"),
        timestamp("created_at"),
        indexes=(primary("id"), index("users_public_id", "public_id", unique=True)),
    )
    flags = table("flags", key("user_id"), keys=(foreign_key("users", "user_id", "public_id"),))

    result = plan(users, flags)

    assert roots(result) == ["public.users.public_id"]
    assert result.domains[0].root_unique


@pytest.mark.parametrize(
    ("default", "counts", "chosen"),
    [
        ("gen_random_uuid()", EMPTY, True),
        (None, EMPTY, True),
        ("uuidv7()", EMPTY, False),
        ("my_key()", EMPTY, False),
        ("my_key()", KeyCounts(1, 9, 0, exact=True), True),
        ("gen_random_uuid()", V7_ONLY, False),
        ("gen_random_uuid()", V1_ONLY, False),
    ],
)
def test_domain_is_chosen_by_its_keys_else_by_its_generator(
    default: str | None, counts: KeyCounts, chosen: bool
) -> None:
    tags = table("tags", key(default=default), timestamp("created_at"))

    result = plan(CUSTOMERS, tags, counts={name("tags.id"): counts})

    assert ("public.tags.id" in roots(result)) == chosen


def test_converting_other_versions_is_work_too() -> None:
    tags, counts = table("tags", key()), {name("tags.id"): V1_ONLY}

    with pytest.raises(NothingToMigrate):
        plan(tags, counts=counts)
    with pytest.raises(NothingToMigrate):
        plan(tags, counts=counts, options=PlanOptions(non_v4="keep"))
    assert roots(plan(tags, counts=counts, options=PlanOptions(non_v4="convert")))


def test_nothing_to_migrate_says_where() -> None:
    with pytest.raises(NothingToMigrate, match="No table has"):
        plan(table("places", column("id", "int8")))
    with pytest.raises(NothingToMigrate, match="in tags"):
        plan(
            table("tags", key()), counts={name("tags.id"): V7_ONLY}, options=PlanOptions(("tags",))
        )


def test_identity_without_primary_key() -> None:
    log = table(
        "log",
        column("customer_id"),
        column("a", "int4", not_null=True),
        column("b", "int4", not_null=True),
        keys=(foreign_key("customers", "customer_id"),),
        indexes=(
            index("i1", "a", unique=True, partial=True),
            index("i2", None, unique=True),
            index("i3", "customer_id", unique=True),
            index("i4", "a", unique=True, immediate=False),
            index("i5", "a", unique=True, valid=False),
            index("i6", "b"),
            index("i7", "a", "b", unique=True),
        ),
    )

    assert plan(CUSTOMERS, log).table(log.name).identity == ("a", "b")


def test_names_of_the_copies_fit_and_stay_apart() -> None:
    long = ["é" * 31 + "a", "é" * 31 + "b"]
    tables = [table(f"{schema}.t", key(), timestamp("created_at")) for schema in long]

    result = plan(*tables, TAGS)

    schemas = [n for t in result.tables for n in (t.shadow.schema, t.retired.schema)]
    assert len(set(schemas)) == 6
    assert all(len(schema.encode()) <= 63 for schema in schemas)
    assert {"sales__uuid7", "sales__uuid4"} < set(schemas)
