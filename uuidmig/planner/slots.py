"""Replication slots: the WAL they hold back, and what a migration looks like to their consumers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from uuidmig.catalog.preflight import ReplicationSlot
from uuidmig.planner.model import Hazard, Plan
from uuidmig.planner.partitions import all_members


def find_slots(plan: Plan, slots: Iterable[ReplicationSlot]) -> Iterator[Hazard]:
    """Yield a warning for each slot, and another for each that decodes this database."""
    for slot in slots:
        yield _held_back(slot)
        if slot.plugin == "pgoutput":
            yield _of_publications(slot)
        elif slot.plugin is not None:
            yield _of_everything(slot, plan)


def _warning(code: str, name: str, message: str, remedy: str) -> Hazard:
    return Hazard("warning", code, name, message, remedy)


def _state(slot: ReplicationSlot) -> str:
    return "active" if slot.active else "inactive"


def _held_back(slot: ReplicationSlot) -> Hazard:
    held = "" if slot.retained_bytes is None else f", holds {slot.retained_bytes >> 20} MiB of WAL"
    return _warning(
        "replication-slot",
        slot.name,
        f"replication slot {slot.name} ({_state(slot)}{held})",
        "the migration writes WAL for every row: watch what the slot holds back",
    )


def _of_publications(slot: ReplicationSlot) -> Hazard:
    return _warning(
        "logical-slot",
        slot.name,
        f"logical slot {slot.name} (pgoutput, {_state(slot)}): its consumer gets what its "
        "publications send; of published tables it gets changes with new keys from the cutover "
        "on, and no word of the keys that became others",
        "let a subscriber do what the plan says under Subscribers, any other consumer take a new "
        "snapshot of these tables after the cutover, and after a rollback",
    )


def _of_everything(slot: ReplicationSlot, plan: Plan) -> Hazard:
    schemas = ", ".join(("uuidmig", *sorted({table.shadow.schema for table in all_members(plan)})))
    return _warning(
        "logical-slot",
        slot.name,
        f"logical slot {slot.name} ({slot.plugin}, {_state(slot)}): its consumer gets the changes "
        f"of all tables, publications or not: those of the copies and the journal ({schemas}) too; "
        "from the cutover on it gets new keys, and no word of the keys that became others",
        "let its consumer leave these schemas out, and take a new snapshot of the migrated tables "
        "after the cutover, and after a rollback",
    )
