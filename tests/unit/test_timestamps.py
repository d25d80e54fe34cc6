from __future__ import annotations

import pytest

from tests.unit.factories import column, foreign_key, key, name, plan, table, timestamp
from uuidmig.catalog.model import Column, Table
from uuidmig.planner.model import KeyDomain, PlanOptions
from uuidmig.planner.timestamps import find_own_timestamp

NOW = "now()"


def picked(*columns: Column) -> str | None:
    source = find_own_timestamp(table("t", key(), *columns), "UTC")
    return source.column if source else None


@pytest.mark.parametrize(
    "spelling",
    [
        *("created_at", "createdAt", "CREATED", "Created_On", "date_created", "creation_time"),
        *("created_ts", "create_date", "inserted_at", "insert_time", "date_added", "placed_at"),
        *("occurred_at", "order_date", "event_timestamp", "registered_on", "ts", "timestamp"),
        *("time", "at", "sentAt"),
    ],
)
def test_known_names(spelling: str) -> None:
    assert picked(timestamp("x"), timestamp(spelling)) == spelling


@pytest.mark.parametrize(
    "spelling",
    [
        "ended_on",
        "updated_at",
        "last_modified",
        "modified",
        "deleted_at",
        "expires",
        "due_date",
        "valid_until",
    ],
)
def test_time_of_a_change_is_never_picked(spelling: str) -> None:
    assert picked(timestamp(spelling, not_null=True, default=NOW)) is None


def test_creation_goes_before_event_and_filled_before_perhaps_empty() -> None:
    assert picked(timestamp("placed_at", not_null=True), timestamp("created_at")) == "created_at"
    assert picked(timestamp("created_at"), timestamp("created_on", not_null=True)) == "created_on"
    assert picked(timestamp("created_at"), timestamp("created_on", default=NOW)) == "created_on"
    assert picked(timestamp("created_on", "date"), timestamp("date_created")) == "date_created"


@pytest.mark.parametrize(
    "default", [NOW, "CURRENT_TIMESTAMP", "(now() AT TIME ZONE 'utc'::text)", "clock_timestamp()"]
)
def test_only_column_that_defaults_to_now(default: str) -> None:
    assert picked(timestamp("x"), timestamp("y", default=default)) == "y"


def test_defaults_that_say_nothing() -> None:
    assert picked(timestamp("x"), timestamp("y")) is None
    assert picked(timestamp("x", default=NOW), timestamp("y", default=NOW)) is None
    assert picked(timestamp("x", default="(now() + '30 days'::interval)")) is None


def test_types_and_generated_columns() -> None:
    assert picked(column("created_at", "text")) is None
    assert picked(timestamp("created_at", generated="s")) is None
    assert picked(timestamp("created_at", "date")) == "created_at"


@pytest.mark.parametrize(
    ("base_type", "sql_type", "zone"),
    [
        ("timestamptz", "timestamp with time zone", None),
        ("timestamp", "timestamp without time zone", "Europe/Berlin"),
        ("date", "date", "Europe/Berlin"),
    ],
)
def test_type_without_precision_and_declared_zone(
    base_type: str, sql_type: str, zone: str | None
) -> None:
    made = timestamp("created_at", base_type, type=f"{base_type}(3)")

    source = find_own_timestamp(table("t", key(), made), "Europe/Berlin")

    assert source is not None
    assert (source.column_type, source.time_zone) == (sql_type, zone)


def domain_of(root: str, *tables: Table, options: PlanOptions | None = None) -> KeyDomain:
    return next(d for d in plan(*tables, options=options).domains if d.root == name(root))


CUSTOMERS = table("customers", key(), timestamp("created_at"))


def child(of: str, title: str, *, not_null: bool = True) -> Table:
    parent = column("parent_id", not_null=not_null)
    return table(title, key(), parent, keys=(foreign_key(of, "parent_id"),))


def test_parent_lends_its_time_along_a_chain() -> None:
    tables = (CUSTOMERS, child("customers", "orders"), child("orders", "items"))

    for root in ("orders.id", "items.id"):
        source = domain_of(root, *tables).timestamp
        assert (source.kind, source.column) == ("parent", "parent_id")
        assert source.foreign_key == "parent_id_fkey"


def test_nullable_parent_lends_nothing() -> None:
    orders = child("customers", "orders", not_null=False)

    assert domain_of("orders.id", CUSTOMERS, orders).timestamp.kind == "plan_time"


def test_no_time_from_oneself_nor_from_a_cycle() -> None:
    tree = child("tree", "tree")
    pair = (child("b", "a"), child("a", "b"))

    assert domain_of("tree.id", tree).timestamp.kind == "plan_time"
    assert domain_of("a.id", *pair).timestamp.kind == "plan_time"


def test_parent_with_a_column_goes_before_one_that_borrows() -> None:
    borrower = child("customers", "orders")
    both = table(
        "items",
        key(),
        column("order_id", not_null=True),
        column("customer_id", not_null=True),
        keys=(foreign_key("orders", "order_id"), foreign_key("customers", "customer_id")),
    )

    source = domain_of("items.id", CUSTOMERS, borrower, both).timestamp

    assert source.column == "customer_id"


def test_parent_that_is_not_migrated_lends_nothing() -> None:
    orders = child("customers", "orders")

    source = domain_of("orders.id", CUSTOMERS, orders, options=PlanOptions(tables=("orders",)))

    assert source.timestamp.kind == "plan_time"


def test_user_chooses() -> None:
    tags = table("tags", key(), timestamp("created_at"), timestamp("updated_at", "date"))
    options = PlanOptions(timestamps=(("public.tags", "updated_at"),), time_zone="Asia/Tokyo")

    source = domain_of("tags.id", tags, options=options).timestamp

    assert (source.column, source.time_zone) == ("updated_at", "Asia/Tokyo")
