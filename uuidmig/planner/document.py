"""The plan as JSON, exactly, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from uuidmig.planner.model import Plan

_PLAN = TypeAdapter(Plan)

# What a plan tells and what differs from day to day: none of it changes a statement.
_TABLE_FIGURES = ("oid", "rows", "pages", "heap_bytes", "toast_bytes", "index_bytes")
# What depends on the role that reads the catalog.
_ROLES_VIEW = "row_security_active", "alterable"


def plan_to_json(plan: Plan) -> str:
    """Return the plan as JSON text; `plan_from_json` gives an equal plan back."""
    return _PLAN.dump_json(plan).decode()


def plan_from_json(text: str) -> Plan:
    """Return the plan from its JSON text; pydantic.ValidationError when it is none."""
    return _PLAN.validate_json(text)


def plan_hash(plan: Plan) -> str:
    """Return the SHA-256 of what determines the statements, in hex.

    Structure, domains, options, tool and major server version; not sizes, counts, the forecast,
    hazards, oids or the time.
    """
    document = _PLAN.dump_python(plan, mode="json")
    determining = {
        "tool_version": document["tool_version"],
        "server_major": plan.server.version // 10000,
        "options": document["options"],
        "domains": [_without(domain, "counts") for domain in document["domains"]],
        "tables": [
            {**table, "table": _table_structure(table["table"])} for table in document["tables"]
        ],
        "outside_tables": [table["name"] for table in document["outside_tables"]],
        "incoming": document["incoming"],
        "switches": document["switches"],
        "outside_policies": [_without(p, *_ROLES_VIEW) for p in document["outside_policies"]],
        "dependents": _dependents(document["dependents"]),
    }
    canonical = json.dumps(determining, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _table_structure(table: Mapping[str, Any]) -> dict[str, Any]:
    indexes = [_without(index, "bytes") for index in table["indexes"]]
    policies = [_without(policy, *_ROLES_VIEW) for policy in table["policies"]]
    partitions = [_table_structure(partition) for partition in table["partitions"]]
    structure = _without(table, *_TABLE_FIGURES, *_ROLES_VIEW)
    return {**structure, "indexes": indexes, "policies": policies, "partitions": partitions}


def _dependents(dependents: Mapping[str, Any]) -> dict[str, Any]:
    views = [
        {
            **_without(view, "bytes", "populated"),
            "indexes": [_without(index, "bytes") for index in view["indexes"]],
        }
        for view in dependents["materialized_views"]
    ]
    return {**dependents, "materialized_views": views}


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
