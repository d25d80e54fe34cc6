"""The planner over what a real server says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.servers import TestDatabase
from uuidmig.catalog.key_counts import count_keys
from uuidmig.catalog.read import read_catalog
from uuidmig.demo.schema import create_shop
from uuidmig.planner import build_plan, candidate_roots, plan_from_json, plan_hash, plan_to_json
from uuidmig.planner.model import Plan, PlanOptions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

ODD = """
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Tenants" (
    "Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "CreatedAt" timestamp(3) NOT NULL);
CREATE TABLE places (
    tenant uuid REFERENCES "My Schema"."Tenants", id uuid DEFAULT gen_random_uuid(),
    opened_on date, PRIMARY KEY (tenant, id), CHECK (id <> tenant));
CREATE TABLE seats (
    place_tenant uuid NOT NULL, place uuid NOT NULL, "row" int NOT NULL, device uuid,
    FOREIGN KEY (place_tenant, place) REFERENCES places (tenant, id) ON UPDATE CASCADE,
    UNIQUE (place, place_tenant, "row"));
CREATE UNIQUE INDEX seats_expression ON seats (md5(place::text), "row");
CREATE TABLE photos (
    id uuid PRIMARY KEY, tenant uuid NOT NULL REFERENCES "My Schema"."Tenants",
    place uuid, FOREIGN KEY (tenant, place) REFERENCES places);
CREATE TABLE untouched (id bigint PRIMARY KEY);
INSERT INTO "My Schema"."Tenants" ("CreatedAt") SELECT now() FROM generate_series(1, 3);
"""


def planned(database: TestDatabase, options: PlanOptions | None = None) -> Plan:
    chosen = options or PlanOptions()
    with database.connect(autocommit=True) as connection:
        catalog = read_catalog(connection)
        counts = {
            root: count_keys(connection, root.table, root.column)
            for root in candidate_roots(catalog, chosen)
        }
    return build_plan(catalog, chosen, counts, tool_version="1.0", now=NOW)


@pytest.fixture
def shop(database: TestDatabase) -> TestDatabase:
    with database.connect() as connection:
        create_shop(connection)
    return database


@pytest.fixture
def odd(database: TestDatabase) -> TestDatabase:
    with database.connect() as connection:
        connection.execute(ODD)
    return database


def test_shop(shop: TestDatabase) -> None:
    plan = planned(shop)

    assert [str(table.name.name) for table in plan.tables] == [
        "customers",
        "orders",
        "audit_log",
        "order_items",
        "payments",
        "profiles",
        "tags",
        "order_tags",
    ]
    assert {domain.timestamp.column for domain in plan.domains} == {"created_at"}
    assert {domain.generator.kind for domain in plan.domains} == {"server"}
    assert [hazard for hazard in plan.hazards if hazard.severity != "note"] == []


def test_plan_of_a_real_catalog_survives_json_and_a_second_reading(shop: TestDatabase) -> None:
    plan = planned(shop)

    assert plan_from_json(plan_to_json(plan)) == plan
    with shop.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO shop.tags (name) VALUES ('new')")
        connection.execute("ANALYZE")
        assert plan_hash(planned(shop)) == plan_hash(plan)
        connection.execute("ALTER TABLE shop.tags ADD COLUMN more text")
    assert plan_hash(planned(shop)) != plan_hash(plan)


def test_odd_schema(odd: TestDatabase) -> None:
    plan = planned(odd)

    assert {str(domain.root): domain.timestamp.kind for domain in plan.domains} == {
        "My Schema.Tenants.Id": "column",
        "public.photos.id": "parent",
        "public.places.id": "column",
    }
    tenants = plan.domains[0]
    assert tenants.timestamp.column_type == "timestamp without time zone"
    assert [str(member) for member in tenants.members] == [
        "public.photos.tenant",
        "public.places.tenant",
        "public.seats.place_tenant",
    ]
    by_name = {table.name.name: table for table in plan.tables}
    assert by_name["seats"].identity == ("place", "place_tenant", "row")
    assert by_name["Tenants"].shadow.schema == "My Schema__uuid7"
    photos = {r.column: r.foreign_key for r in by_name["photos"].references}
    assert photos == {"tenant": "photos_tenant_fkey", "place": "photos_tenant_place_fkey"}
    assert plan.refusals == ()


def test_hazards_of_the_odd_schema(odd: TestDatabase) -> None:
    found = {
        (hazard.code, hazard.object)
        for hazard in planned(odd).hazards
        if hazard.severity == "warning"
    }

    assert found == {
        ("application-keys", "public.photos.id"),
        ("key-in-check", "public.places.places_check"),
        ("key-in-index", "public.seats.seats_expression"),
        ("key-not-unique", "public.places.id"),
        ("timestamp-without-zone", "My Schema.Tenants.CreatedAt"),
        ("timestamp-without-zone", "public.places.opened_on"),
        ("uuid-without-foreign-key", "public.seats"),
    }


def test_domain_over_uuid_is_found(database: TestDatabase) -> None:
    with database.connect() as connection:
        connection.execute("CREATE DOMAIN order_key AS uuid")
        connection.execute(
            "CREATE TABLE orders (id order_key PRIMARY KEY DEFAULT gen_random_uuid())"
        )
        connection.execute("CREATE TABLE items (id uuid PRIMARY KEY, o uuid REFERENCES orders)")

    plan = planned(database)

    assert plan.refusals == ()
    assert [(str(domain.root), [str(m) for m in domain.members]) for domain in plan.domains] == [
        ("public.items.id", []),
        ("public.orders.id", ["public.items.o"]),
    ]
