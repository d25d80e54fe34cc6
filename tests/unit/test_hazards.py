"""One small schema for each refusal, warning and note; a sound one has none of the first two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.factories import (
    column,
    foreign_key,
    index,
    key,
    name,
    plan,
    primary,
    relation,
    server,
    table,
    timestamp,
)
from uuidmig.catalog.dependents_model import Dependents, Rule
from uuidmig.catalog.model import Check, Grant, KeyCounts, Sequence, Table, Unsupported
from uuidmig.planner.advice import count_uses
from uuidmig.planner.dependents import dependent_hazards
from uuidmig.planner.model import Hazard, Plan, PlanOptions

CREATED = timestamp("created_at", not_null=True)
CUSTOMERS = table("customers", key(), CREATED)
SOMEONE = (Grant("reader", "someone", ("SELECT",)), Grant("reader", "owner", ("SELECT",)))


def orders(*more: Any, **changes: Any) -> Table:
    """Table orders with a reference to customers; `changes` as for `table`."""
    customer = column("customer_id", not_null=True)
    keys = changes.pop("keys", (foreign_key("customers", "customer_id"),))
    return table("orders", key(), customer, CREATED, *more, keys=keys, **changes)


def only(result: Plan, code: str) -> Hazard:
    (found,) = (hazard for hazard in result.hazards if hazard.code == code)
    return found


def severe(result: Plan) -> list[str]:
    return [hazard.code for hazard in result.hazards if hazard.severity != "note"]


def check(text: str, *columns: str) -> Check:
    return Check("orders_check", f"CHECK ({text})", columns, validated=True)


def test_sound_schema_has_notes_only() -> None:
    result = plan(CUSTOMERS, orders())

    assert severe(result) == []
    assert {hazard.code for hazard in result.hazards} == {
        "creation-time-visible",
        "remembered-keys",
        "default-only",
    }


def bad_index(**changes: Any) -> tuple[Any, ...]:
    return (primary("id"), index("orders_x", "customer_id", **changes))


def sequence(**changes: Any) -> Any:
    facts: dict[str, Any] = {
        "relation": relation("orders_n_seq"),
        "kind": "identity",
        "data_type": "bigint",
        "start": 1,
        "increment": 1,
        "minimum": 1,
        "maximum": 9,
        "cache": 1,
        "cycle": False,
        "owner": "owner",
    }
    return Sequence(**{**facts, **changes})


def by_range(key: str, bound: str) -> Table:
    whole = orders(kind="p", partition_key=f"RANGE ({key})")
    part = replace(orders(), name=relation("orders_0"), parent=whole.name, bound=bound)
    return replace(whole, partitions=(part,))


REFUSED: list[tuple[str, str, Table]] = [
    (
        "partitioned-by-key",
        "public.orders.id",
        by_range(
            "id backwards", "FOR VALUES FROM (MINVALUE) TO ('00000000-0000-0000-0000-000000000000')"
        ),
    ),
    ("table-kind", "public.orders", orders(kind="f")),
    (
        "partitioned-by-key",
        "public.orders.id",
        orders(kind="p", partition_key="LIST (id backwards)"),
    ),
    ("access-method", "public.orders", orders(access_method="columnar")),
    ("no-identity", "public.orders", orders(indexes=())),
    (
        "unsupported-row-type-user",
        "function public.f()",
        orders(unsupported=(Unsupported("row type user", "function public.f()", "why"),)),
    ),
    ("invalid-index", "public.orders_x", orders(indexes=bad_index(valid=False))),
    (
        "temporal-key",
        "public.orders_x",
        orders(indexes=bad_index(method="gist", unique=True, constraint_type="u")),
    ),
    (
        "foreign-key-not-validated",
        "public.orders.customer_id_fkey",
        orders(keys=(foreign_key("customers", "customer_id", validated=False),)),
    ),
    (
        "foreign-key-not-validated",
        "public.orders.customer_id_fkey",
        orders(keys=(foreign_key("customers", "customer_id", validated=False, enforced=False),)),
    ),
    ("foreign-grantor", "public.orders", orders(acl=SOMEONE)),
    ("foreign-grantor", "public.orders.note", orders(column("note", "text", acl=SOMEONE))),
    (
        "foreign-grantor",
        "public.orders_n_seq",
        orders(column("n", "int8", sequence=sequence(acl=SOMEONE))),
    ),
]


@pytest.mark.parametrize(("code", "thing", "bad"), REFUSED)
def test_refused(code: str, thing: str, bad: Table) -> None:
    hazard = only(plan(CUSTOMERS, bad), code)

    assert (hazard.severity, hazard.object) == ("refusal", thing)
    assert hazard.message
    assert hazard.remedy


@pytest.mark.parametrize(
    "bad",
    [
        orders(column("a$uuidmig$b", "text")),
        orders(keys=(foreign_key("customers", "customer_id", name="$uuidmig$"),)),
    ],
)
def test_names_that_would_end_our_quoting_are_refused(bad: Table) -> None:
    assert only(plan(CUSTOMERS, bad), "reserved-name").severity == "refusal"


def test_all_reasons_are_given_at_once() -> None:
    bad = orders(indexes=(), access_method="x", acl=SOMEONE)

    codes = [hazard.code for hazard in plan(CUSTOMERS, bad).refusals]

    assert codes == ["access-method", "foreign-grantor", "no-identity"]


def test_other_tables_do_not_matter() -> None:
    far = table("far", column("id", "int8"), kind="p", access_method="x")

    assert severe(plan(CUSTOMERS, far)) == []


def test_incoming_foreign_key_must_be_validated_too() -> None:
    numbered = orders(column("number", "int8"))
    labels = table(
        "labels",
        column("id", "int8"),
        column("n", "int8"),
        keys=(foreign_key("orders", "n", "number", validated=False),),
    )

    assert only(plan(CUSTOMERS, numbered, labels), "foreign-key-not-validated")


def test_column_that_follows_two_keys() -> None:
    keys = (
        foreign_key("customers", "customer_id", name="one"),
        foreign_key("agents", "customer_id", name="two"),
    )

    result = plan(CUSTOMERS, table("agents", key(), CREATED), orders(keys=keys))

    hazard = only(result, "two-roots")
    assert hazard.object == "public.orders.customer_id"
    assert "public.agents.id and public.customers.id" in hazard.message


def test_detour_to_a_key_that_is_not_unique_alone() -> None:
    parent = table(
        "orders",
        column("tenant", "int4", not_null=True),
        key("id"),
        CREATED,
        indexes=(primary("tenant", "id"),),
    )
    middle = table(
        "bills",
        column("tenant", "int4", not_null=True),
        key("id", default=None),
        keys=(foreign_key("orders", ("tenant", "id"), ("tenant", "id")),),
        indexes=(primary("id"),),
    )
    last = table(
        "lines", key(), column("bill_id"), CREATED, keys=(foreign_key("bills", "bill_id"),)
    )

    assert only(plan(parent, middle, last), "composite-detour").object == "public.lines.bill_id"
    assert plan(parent, middle).refusals == ()


def test_other_versions_are_refused_with_counts_unless_decided() -> None:
    counts = {name("customers.id"): KeyCounts(v4=7, v7=2, other=1, exact=False)}

    hazard = only(plan(CUSTOMERS, counts=counts), "other-versions")

    assert hazard.severity == "refusal"
    assert hazard.message.startswith("about 1 of 10 keys")
    for decided in ("convert", "keep"):
        options = PlanOptions(non_v4=decided)
        assert plan(CUSTOMERS, counts=counts, options=options).refusals == ()


@pytest.mark.parametrize(
    ("of", "severity", "code"),
    [
        (server(in_recovery=True), "refusal", "in-recovery"),
        (server(140012), "refusal", "server-too-old"),
        (server(190001), "warning", "server-untested"),
    ],
)
def test_servers(of: Any, severity: str, code: str) -> None:
    assert only(plan(CUSTOMERS, of=of), code).severity == severity
    assert severe(plan(CUSTOMERS, of=server(150000))) == []


WARNED: list[tuple[str, str, Table]] = [
    ("application-keys", "public.tags.id", table("tags", key(default=None), CREATED)),
    ("unknown-generator", "public.tags.id", table("tags", key(default="my_key()"), CREATED)),
    ("plan-time-order", "public.tags.id", table("tags", key())),
    (
        "timestamp-without-zone",
        "public.tags.created_at",
        table("tags", key(), timestamp("created_at", "timestamp")),
    ),
    ("key-in-check", "public.orders.orders_check", orders(checks=(check("id > x", "id"),))),
    (
        "key-in-index",
        "public.orders.orders_x",
        orders(indexes=(primary("id"), index("orders_x", None, definition="… (md5(id::text))"))),
    ),
    (
        "key-in-index",
        "public.orders.orders_x",
        orders(
            indexes=(
                primary("id"),
                index("orders_x", "note", partial=True, definition='… WHERE ("customer_id" > x)'),
            )
        ),
    ),
    (
        "uuid-without-foreign-key",
        "public.orders",
        orders(column("device_id"), column("seen_by", "_uuid")),
    ),
    (
        "unchecked-reference",
        "public.orders.x_customer_id_fkey",
        orders(
            column("x", "int4"),
            keys=(foreign_key("customers", ("x", "customer_id"), ("x", "id")),),
        ),
    ),
]


@pytest.mark.parametrize(("code", "thing", "odd"), WARNED)
def test_warned(code: str, thing: str, odd: Table) -> None:
    customers = replace(CUSTOMERS, columns=(*CUSTOMERS.columns, column("x", "int4")))

    result = plan(customers, odd)

    assert severe(result) == [code]
    hazard = only(result, code)
    assert (hazard.severity, hazard.object) == ("warning", thing)
    assert hazard.message
    assert hazard.remedy


def test_timestamp_that_changes_is_warned_of_when_the_user_insists() -> None:
    tags = table("tags", key(), timestamp("updated_at"))
    options = PlanOptions(timestamps=(("tags", "updated_at"),))

    assert (
        only(plan(tags, options=options), "changing-timestamp").object == "public.tags.updated_at"
    )


def test_shared_key() -> None:
    parts = (column("tenant", "int4", not_null=True), key("id"), CREATED)
    shared = table("things", *parts, indexes=(primary("tenant", "id"),))

    result = plan(shared)

    assert "different keys unless" in only(result, "key-not-unique").message
    assert only(result, "key-not-leading").severity == "note"


def test_generated_column() -> None:
    short = column("short", "text", generated="s", generation_expression='left("id"::text, 8)')

    hazard = only(plan(CUSTOMERS, orders(short)), "generated-from-key")

    assert (hazard.severity, hazard.object) == ("note", "public.orders.short")


def test_never_analyzed() -> None:
    assert only(plan(CUSTOMERS, orders(rows=-1.0)), "never-analyzed").severity == "note"
    assert severe(plan(CUSTOMERS, orders(rows=-1.0, heap_bytes=0))) == []


def test_one_dependent_is_not_several() -> None:
    plain = plan(CUSTOMERS, orders())
    rule = Rule("r", relation("orders"), "r", "owner", "", "O", None, (relation("orders"),))

    def told(*rules: Rule) -> Hazard:
        (note,) = dependent_hazards(replace(plain, dependents=Dependents(rules=rules)))
        return note

    assert told(rule).message.startswith("1 rule hangs on the tables: the swap binds it to")
    assert told(rule, replace(rule, name="s")).message.startswith("2 rules hang on the tables:")


def test_remembered_keys_mention_the_grace_period_only_when_there_is_one() -> None:
    without = plan(CUSTOMERS, options=PlanOptions(grace=False))

    assert "until finish" in only(plan(CUSTOMERS), "remembered-keys").message
    assert "until finish" not in only(without, "remembered-keys").message


def test_plain_key_columns_and_null_tests_are_no_expressions_on_keys() -> None:
    definition = "CREATE INDEX orders_x ON public.orders USING btree (customer_id) WHERE {}"
    sound = orders(
        indexes=(
            primary("id"),
            index(
                "orders_x",
                "customer_id",
                partial=True,
                definition=definition.format("(customer_id IS NOT NULL)"),
            ),
        ),
        checks=(check("note IS NULL OR customer_id IS NULL", "note", "customer_id"),),
    )

    assert severe(plan(CUSTOMERS, sound)) == []


@pytest.mark.parametrize(
    ("expression", "column_name", "uses"),
    [
        ("(id > 'x')", "id", 1),
        ("(order_id > 'x')", "id", 0),
        ('("Order Id" > x)', "Order Id", 1),
        ('("a""b" IS DISTINCT FROM x)', 'a"b', 1),
        ("(ident > 1)", "id", 0),
        ("(id IS NOT NULL)", "id", 0),
        ("(id > x) AND (id IS NULL) AND (md5((id)::text) = y)", "id", 2),
    ],
)
def test_uses(expression: str, column_name: str, uses: int) -> None:
    assert count_uses(expression, column_name) == uses


def test_reference_with_a_constant_default() -> None:
    unknown = "'00000000-0000-4000-8000-000000000000'::uuid"
    customer = column("customer_id", not_null=True, default=unknown)
    keys = (foreign_key("customers", "customer_id"),)
    result = plan(CUSTOMERS, table("orders", key(), customer, CREATED, keys=keys))

    assert only(result, "reference-default").object == "public.orders.customer_id"


def test_reference_without_a_default_is_no_hazard() -> None:
    assert "reference-default" not in severe(plan(CUSTOMERS, orders()))
