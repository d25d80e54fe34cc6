"""The plan that only changes defaults: what it changes, and the little that stands against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.factories import NOW, V4_ONLY, catalog, key, relation, server, table
from uuidmig.catalog.key_defaults import KeyDefault
from uuidmig.catalog.model import Server
from uuidmig.catalog.preflight import MissingRight, Preflight, ReplicationSlot
from uuidmig.errors import NothingToMigrate
from uuidmig.planner import candidate_roots, plan_from_json, plan_hash, plan_to_json
from uuidmig.planner.default_only import build_default_plan, switched_tables, what_matters
from uuidmig.planner.model import Plan, PlanOptions

UUID4 = "gen_random_uuid()"


def planned(*defaults: KeyDefault, of: Server | None = None) -> Plan:
    names = dict.fromkeys(default.relation.name for default in defaults if default.kind == "r")
    source = catalog(*(table(name, key()) for name in names), of=of)
    options = PlanOptions(strategy="default-only")
    counts = dict.fromkeys(candidate_roots(source, options), V4_ONLY)
    return build_default_plan(source, options, counts, defaults, tool_version="1.0", now=NOW)


def default(name: str, kind: str = "r", expression: str | None = UUID4) -> KeyDefault:
    return KeyDefault(relation(name), "id", kind, expression)


@pytest.mark.parametrize(
    ("version", "new"), [(150018, "uuidmig_keys.uuidv7()"), (180006, "uuidv7()")]
)
def test_uuid4_generators_are_replaced(version: int, new: str) -> None:
    plan = planned(default("b"), default("a"), of=server(version))
    assert [str(name) for name in switched_tables(plan)] == ["public.a", "public.b"]
    assert {(s.old_default, s.new_default) for s in plan.switches} == {(UUID4, new)}
    assert plan.tables == ()


def test_the_hash_knows_the_switches() -> None:
    plan = planned(default("a"))
    assert plan_from_json(plan_to_json(plan)) == plan
    assert plan_hash(replace(plan, switches=())) != plan_hash(plan)


def test_the_default_of_a_domain_is_replaced_by_one_of_the_column() -> None:
    plan = planned(replace(default("a", expression=None), domain_default=UUID4))
    (switch,) = plan.switches
    assert (switch.old_default, switch.new_default) == (None, "uuidv7()")
    assert ("domain-default", "public.a.id") in {(h.code, h.object) for h in plan.hazards}
    with pytest.raises(NothingToMigrate):  # what the column says goes first
        planned(replace(default("a", expression="NULL::uuid"), domain_default=UUID4))


def test_a_foreign_table_is_named_and_left() -> None:
    plan = planned(default("a"), default("far", "f"))
    assert [str(name) for name in switched_tables(plan)] == ["public.a"]
    assert ("foreign-table-default", "public.far.id") in {(h.code, h.object) for h in plan.hazards}


@pytest.mark.parametrize(
    ("of", "code"),
    [(server(in_recovery=True), "in-recovery"), (server(140010), "server-too-old")],
)
def test_servers_that_are_refused(of: Server, code: str) -> None:
    assert [hazard.code for hazard in planned(default("a"), of=of).refusals] == [code]


def test_no_default_to_change() -> None:
    with pytest.raises(NothingToMigrate, match="already"):
        planned(default("a", expression="uuidv7()"))


def test_what_stands_against_copies_only_does_not_matter() -> None:
    lost = tuple(MissingRight(p, "table a") for p in ("UPDATE", "DELETE", "TRUNCATE"))
    rights = (
        MissingRight("CREATE", "database shop"),
        MissingRight("TEMPORARY", "database shop"),
        MissingRight("CREATE", "schema public"),
        MissingRight("OWNER", "table a"),
        MissingRight("UPDATE", "table b"),
        *lost,
    )
    slot = ReplicationSlot("s", True, None, "reserved", 0)
    found = Preflight(False, None, 0, (), (), (), rights, (slot,), ())
    kept = what_matters(found)
    assert [(r.privilege, r.object) for r in kept.missing_rights] == [
        ("CREATE", "database shop"),
        ("OWNER", "table a"),
        ("UPDATE", "table a"),
    ]
    assert kept.replication_slots == ()
