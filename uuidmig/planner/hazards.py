"""Everything the DBA must know before the migration starts."""

from __future__ import annotations

from uuidmig.catalog.model import Catalog
from uuidmig.planner.advice import find_advice
from uuidmig.planner.dependents import dependent_hazards
from uuidmig.planner.domains import KeyGraph
from uuidmig.planner.model import Hazard, Plan
from uuidmig.planner.refusals import find_refusals
from uuidmig.planner.replication import find_replication
from uuidmig.planner.row_security import find_hidden_rows
from uuidmig.planner.soft_references import find_soft_hazards
from uuidmig.planner.watching import find_watchers

_ORDER = ("refusal", "warning", "note")


def find_hazards(catalog: Catalog, graph: KeyGraph, plan: Plan) -> tuple[Hazard, ...]:
    """Return all hazards of a plan, refusals first; never only the first one found."""
    found = {
        *find_refusals(graph, plan),
        *find_hidden_rows(catalog, plan),
        *find_watchers(catalog, plan),
        *find_replication(plan),
        *find_advice(catalog, graph, plan),
        *find_soft_hazards(catalog, graph, plan),
        *dependent_hazards(plan),
    }
    return tuple(
        sorted(found, key=lambda h: (_ORDER.index(h.severity), h.code, h.object, h.message))
    )
