"""The plan as one JSON document: what `plan --json` prints."""

from __future__ import annotations

from collections.abc import Sequence

from uuidmig.planner.canary import CanarySample
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.steps.model import Statement, Step
from uuidmig.steps.subscribers import subscriber_commands


def plan_document(
    plan: Plan, steps: Sequence[Step], plan_hash: str, samples: Sequence[CanarySample] = ()
) -> dict[str, object]:
    """Return the payload of `plan --json`; pass it to `report.document.document`.

    `samples` are those of a canary.
    """
    server = plan.server
    return {
        "tool_version": plan.tool_version,
        "plan_hash": plan_hash,
        "created_at": plan.created_at,
        "server": {"version": server.version, "database": server.database, "user": server.user},
        "options": plan.options,
        "domains": [_domain(domain) for domain in plan.domains],
        "tables": [_table(table) for table in plan.tables],
        "switches": plan.switches,
        "steps": [_step(step) for step in steps],
        "forecast": plan.forecast,
        "canary": samples or None,
        "strategies": plan.strategies,
        "hazards": plan.hazards,
        "publications": plan.publications,
        "subscriber_commands": subscriber_commands(plan),
    }


def _domain(domain: KeyDomain) -> dict[str, object]:
    return {
        "number": domain.number,
        "root": str(domain.root),
        "root_unique": domain.root_unique,
        "keys": domain.counts,
        "timestamp": domain.timestamp,
        "generator": domain.generator,
        "members": [str(member) for member in domain.members],
    }


def _table(table: ClosureTable) -> dict[str, object]:
    source = table.table
    return {
        "number": table.number,
        "name": str(table.name),
        "shadow": str(table.shadow),
        "retired": str(table.retired),
        "rows_estimated": max(round(source.rows), 0),
        "heap_bytes": source.heap_bytes,
        "toast_bytes": source.toast_bytes,
        "index_bytes": source.index_bytes,
        "roots": [{"column": column, "domain": number} for column, number in table.roots],
        "references": [
            {
                "column": reference.column,
                "domain": reference.domain,
                "foreign_key": reference.foreign_key,
                "parent": str(reference.parent),
                "parent_column": reference.parent_column,
                "when": reference.when,
                "path": reference.path,
            }
            for reference in table.references
        ],
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "id": step.id,
        "title": step.title,
        "lock": step.lock,
        "blocks": step.blocks,
        "transactional": step.transactional,
        "statements": _texts(step.apply),
        "undo": _texts(step.undo),
    }


def _texts(statements: Sequence[Statement]) -> list[str]:
    return [statement.text for statement in statements]
