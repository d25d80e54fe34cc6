"""Declarations of soft references: what is found, refused, and no declaration at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.factories import column, foreign_key, index, key, plan, primary, table, timestamp
from uuidmig.catalog.model import Table
from uuidmig.errors import ConfigurationError
from uuidmig.planner.document import plan_from_json, plan_hash, plan_to_json
from uuidmig.planner.model import Discriminator, Plan, PlanOptions, SoftReference

ORDERS = table("orders", key(), timestamp("created_at", not_null=True))
ORDER = Discriminator("entity_type", "order")


def log(*more: Any, **changes: Any) -> Table:
    number = column("number", "int8", not_null=True)
    columns = (number, column("entity_type", "text"), column("entity_id"), *more)
    return table("audit_log", *columns, indexes=(primary("number"),), **changes)


def declared(
    *tables: Table,
    column: str = "audit_log.entity_id",
    references: str = "orders.id",
    when: Discriminator | None = None,
    path: str | None = None,
) -> Plan:
    reference = SoftReference(column, references, when, path)
    return plan(*tables, options=PlanOptions(soft_references=(reference,)))


def codes(result: Plan) -> set[str]:
    return {hazard.code for hazard in result.hazards if hazard.code.startswith("soft-")}


def test_the_holding_table_joins_the_closure_after_its_target() -> None:
    result = declared(ORDERS, log(), when=ORDER)

    assert [str(entry.name) for entry in result.tables] == ["public.orders", "public.audit_log"]
    (reference,) = result.tables[1].references
    assert (reference.column, reference.domain, reference.foreign_key) == ("entity_id", 1, None)
    assert reference.when == ORDER
    assert result.refusals == ()
    assert codes(result) == {"soft-reference-scanned"}
    assert "uuid-without-foreign-key" not in {hazard.code for hazard in result.hazards}


def test_it_is_part_of_the_journal_and_of_the_hash() -> None:
    result, other = declared(ORDERS, log(), when=ORDER), declared(ORDERS, log())
    assert plan_from_json(plan_to_json(result)) == result
    assert len({plan_hash(result), plan_hash(other), plan_hash(plan(ORDERS, log()))}) == 3


def test_a_target_that_is_itself_a_reference_leads_to_its_root() -> None:
    details = table(
        "details",
        column("order_id", not_null=True),
        indexes=(primary("order_id"),),
        keys=(foreign_key("orders", "order_id"),),
    )
    result = declared(ORDERS, details, log(), references="details.order_id")
    (reference,) = result.tables[-1].references
    assert (str(reference.parent), reference.parent_column) == ("public.orders", "id")


def test_a_target_that_is_not_migrated_is_only_noted() -> None:
    others = table("others", key(), timestamp("created_at", not_null=True))
    options = PlanOptions(
        tables=("others",), soft_references=(SoftReference("audit_log.entity_id", "orders.id"),)
    )
    result = plan(ORDERS, others, log(), options=options)
    assert [str(entry.name) for entry in result.tables] == ["public.others"]
    assert codes(result) == {"soft-reference-unused"}


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"column": "audit_log.nothing"}, 'column "audit_log.nothing" does not exist'),
        ({"references": "orders.nothing"}, 'column "orders.nothing" does not exist'),
        ({"references": "orders.created_at"}, "is no key column"),
        ({"column": "audit_log.number"}, "of type int8 cannot hold keys"),
        ({"column": "audit_log.data"}, "a path must say where"),
        ({"path": "$.id"}, "only a json column has a path"),
        ({"when": Discriminator("kind", "order")}, "has no column kind"),
        ({"column": "lines.order_id"}, "has a foreign key"),
    ],
)
def test_what_is_no_declaration(declaration: dict[str, Any], message: str) -> None:
    lines = table("lines", key(), column("order_id"), keys=(foreign_key("orders", "order_id"),))
    with pytest.raises(ConfigurationError, match=message):
        declared(ORDERS, lines, log(column("data", "jsonb")), **declaration)


def test_the_same_twice() -> None:
    reference = SoftReference("audit_log.entity_id", "orders.id")
    again = replace(reference, column="public.audit_log.entity_id")
    with pytest.raises(ConfigurationError, match="declared twice"):
        plan(ORDERS, log(), options=PlanOptions(soft_references=(reference, again)))


def test_what_is_refused_by_name() -> None:
    tags = table("tags", key("tag_id"), indexes=(primary("tag_id"),))
    assert codes(declared(ORDERS, tags, column="tags.tag_id")) == {"soft-reference-in-key"}

    made = column("made", generated="s", generation_expression="entity_id")
    generated = declared(ORDERS, log(made), column="audit_log.made")
    assert codes(generated) == {"soft-reference-generated"}

    for kind, path in (("bpchar", None), ("_uuid", None), ("_text", None), ("jsonb", "$.id")):
        holder = log(column("loose", kind))
        refused = declared(ORDERS, holder, column="audit_log.loose", path=path)
        assert codes(refused) == {"soft-reference-type"}
        assert len(refused.refusals) == 1

    shared = table(
        "shared",
        column("tenant", not_null=True),
        key(),
        indexes=(primary("tenant", "id"),),
    )
    refused = declared(ORDERS, shared, log(), references="shared.id")
    assert codes(refused) == {"soft-reference-to-shared-key"}


def test_a_text_column_can_be_declared() -> None:
    for kind in ("text", "varchar"):
        result = declared(ORDERS, log(column("loose", kind)), column="audit_log.loose")
        assert result.refusals == ()
        assert result.tables[1].references[0].form == "text"
    domain = log(column("loose", "text", type_kind="d"))
    assert codes(declared(ORDERS, domain, column="audit_log.loose")) == {"soft-reference-type"}


def test_a_text_column_that_others_reference_is_a_key_itself() -> None:
    names = log(column("loose", "text"))
    child = table(
        "child", key(), column("loose", "text"), keys=(foreign_key("audit_log", "loose", "loose"),)
    )
    refused = declared(ORDERS, names, child, column="audit_log.loose")
    assert codes(refused) == {"soft-reference-in-key"}


def test_an_index_on_the_column_ends_the_warning() -> None:
    entry = log()
    indexed = replace(entry, indexes=(*entry.indexes, index("by_entity", "entity_id")))
    assert codes(declared(ORDERS, indexed)) == set()
    large = replace(entry, heap_bytes=2**30)
    assert codes(declared(ORDERS, large)) == {"soft-reference-unindexed"}
