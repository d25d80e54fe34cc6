"""Constraint triggers that name a second table (FROM): pg_trigger.tgconstrrelid.

Dropping that table drops the trigger, without a word (the dependency is AUTO). Those of migrated
tables are created again from their text in the swap, when it means the new tables; those of other
tables would go with the retired table at finish.
"""

from __future__ import annotations

from collections.abc import Iterator

from uuidmig.catalog.model import Catalog
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.model import Hazard, Plan
from uuidmig.planner.partitions import all_members


def find_watchers(catalog: Catalog, plan: Plan) -> Iterator[Hazard]:
    """Yield a refusal for each trigger of an outside table that watches a table of the plan."""
    inside = {member.name for member in all_members(plan)}
    outside = (
        part
        for table in catalog.tables
        for part in with_partitions(table)
        if part.name not in inside
    )
    for table in outside:
        for trigger in table.triggers:
            if trigger.watches in inside:
                yield Hazard(
                    "refusal",
                    "unsupported-trigger",
                    f"trigger {trigger.name} on {table.name}",
                    f"watches {trigger.watches} (FROM), with which it would be dropped",
                    "drop it and create it again after finish, or migrate its table too",
                )
