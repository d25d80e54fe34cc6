"""Catalog -> Plan. Pure: nothing here talks to a server."""

from __future__ import annotations

from uuidmig.planner.build import build_plan
from uuidmig.planner.document import plan_from_json, plan_hash, plan_to_json
from uuidmig.planner.selection import candidate_roots

__all__ = ["build_plan", "candidate_roots", "plan_from_json", "plan_hash", "plan_to_json"]
