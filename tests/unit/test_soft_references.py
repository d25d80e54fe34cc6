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
        ({"column": "audit_log.data", "path": "id"}, "id is no path that can be followed"),
        ({"column": "audit_log.data", "path": "$.a.*"}, r"\$.a.\* is no path"),
        ({"column": "audit_log.data", "path": "$.keyvalue().key"}, "is no path"),
        ({"column": "audit_log.many", "path": "[*]"}, "only a json column has a path"),
        ({"when": Discriminator("kind", "order")}, "has no column kind"),
        ({"column": "lines.order_id"}, "has a foreign key"),
    ],
)
def test_what_is_no_declaration(declaration: dict[str, Any], message: str) -> None:
    lines = table("lines", key(), column("order_id"), keys=(foreign_key("orders", "order_id"),))
    holder = log(column("data", "jsonb"), column("many", "_uuid"))
    with pytest.raises(ConfigurationError, match=message):
        declared(ORDERS, lines, holder, **declaration)


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

    for kind, type_kind, path in (
        ("bpchar", "b", None),
        ("bpchar", "d", None),
        ("_uuid", "d", None),
        ("jsonb", "d", "$.id"),
    ):
        holder = log(column("loose", kind, type_kind=type_kind))
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


@pytest.mark.parametrize(
    ("kind", "form"), [("uuid", "uuid"), ("text", "text"), ("varchar", "text")]
)
def test_a_column_of_a_domain_can_be_declared(kind: str, form: str) -> None:
    domain = log(column("loose", kind, type_kind="d"))
    result = declared(ORDERS, domain, column="audit_log.loose")
    assert result.refusals == ()
    assert result.tables[1].references[0].form == form


@pytest.mark.parametrize(
    ("kind", "path", "form"),
    [
        ("_uuid", None, "uuid[]"),
        ("_text", None, "text[]"),
        ("_varchar", None, "text[]"),
        ("jsonb", "$.id", "jsonb"),
        ("json", '$."id"', "json"),
    ],
)
def test_arrays_and_documents_can_be_declared(kind: str, path: str | None, form: str) -> None:
    result = declared(ORDERS, log(column("loose", kind)), column="audit_log.loose", path=path)
    (reference,) = result.tables[1].references
    assert (reference.form, reference.path) == (form, None if path is None else "$.id")
    assert codes(result) == {"soft-reference-scanned"}
    assert plan_from_json(plan_to_json(result)) == result


def test_paths_are_told_apart_in_the_hash() -> None:
    holder = log(column("doc", "jsonb"))
    first, second = (
        declared(ORDERS, holder, column="audit_log.doc", path=path) for path in ("$.a", "$.b")
    )
    assert plan_hash(first) != plan_hash(second)


def test_only_a_gin_index_finds_what_is_inside() -> None:
    def hazards(kind: str, path: str | None, **changes: Any) -> set[tuple[str, str]]:
        entry = log(column("loose", kind))
        indexes = (*entry.indexes, index("by_loose", "loose", **changes))
        holder = replace(entry, indexes=indexes, toast_bytes=2**30)
        result = declared(ORDERS, holder, column="audit_log.loose", path=path)
        return {(h.code, h.remedy) for h in result.hazards if h.code.startswith("soft-")}

    for kind, path in (("_uuid", None), ("_text", None), ("jsonb", "$.id")):
        assert hazards(kind, path, method="gin") == set()
        for useless in ({}, {"method": "gin", "partial": True}, {"method": "gin", "valid": False}):
            ((code, remedy),) = hazards(kind, path, **useless)
            assert code == "soft-reference-unindexed"
            assert "USING gin" in remedy
    ((code, remedy),) = hazards("json", "$.id", method="gin")
    assert code == "soft-reference-unindexed"
    assert "jsonb" in remedy


@pytest.mark.parametrize(
    ("kind", "path", "megabytes"),
    [("uuid", None, 32), ("_uuid", None, 16), ("jsonb", "$.id", 16), ("json", "$.id", 8)],
)
def test_how_much_may_be_scanned(kind: str, path: str | None, megabytes: int) -> None:
    entry = log(column("loose", kind))
    for read, code in (
        (megabytes * 2**20, "soft-reference-scanned"),
        (megabytes * 2**20 + 1, "soft-reference-unindexed"),
    ):
        holder = replace(entry, heap_bytes=read)
        assert codes(declared(ORDERS, holder, column="audit_log.loose", path=path)) == {code}


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
