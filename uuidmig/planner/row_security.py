"""Row level security that stands against a migration.

Policies and flags are carried over. What cannot be helped is a table whose rows are hidden from the
role that copies them: its owner too, where row security is forced.
"""

from __future__ import annotations

from collections.abc import Iterator

from uuidmig.catalog.model import Catalog, Table
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.model import Hazard, Plan
from uuidmig.planner.partitions import all_members


def find_hidden_rows(catalog: Catalog, plan: Plan) -> Iterator[Hazard]:
    """Yield the refusals of tables whose rows, and policies that are, beyond the current role."""
    inside = {member.name for member in all_members(plan)}
    tied = {key.parent for entry in plan.tables for key in entry.table.foreign_keys}
    tied |= {key.child for key in plan.incoming}
    for whole, table in ((t, part) for t in catalog.tables for part in with_partitions(t)):
        # A table that is not ours is refused for that.
        if not (table.row_security_active and table.force_row_security):
            continue
        if table.name in inside:
            yield _hidden(table, plan, "copied")
        elif whole.name in tied:
            yield _hidden(table, plan, "seen when foreign keys are validated")
    for policy in plan.outside_policies:
        if not policy.alterable:
            yield Hazard(
                "refusal",
                "unsupported-policy",
                f"policy {policy.name} on {policy.relation}",
                f"reads {', '.join(map(str, policy.reads))} and cannot be altered by "
                f"{plan.server.user}, who does not own its table",
                "run as a member of the owners of both tables, or drop the policy for the time",
            )


def _hidden(table: Table, plan: Plan, what: str) -> Hazard:
    user = plan.server.user
    return Hazard(
        "refusal",
        "forced-row-security",
        str(table.name),
        f"row security is forced for its owner too, and role {user} does not bypass it: "
        f"not every row could be {what}",
        f'run as a role with BYPASSRLS (a superuser: ALTER ROLE "{user}" BYPASSRLS until finish)',
    )
