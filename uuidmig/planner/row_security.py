"""Row level security that stands against a migration.

Policies and flags are carried over. Where row security is forced, it would hide rows from the owner
who copies them; steps/unforced.py leads past that, and what it cannot lead past is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from uuidmig.catalog.dependents_model import MaterializedView
from uuidmig.catalog.model import Catalog, Table
from uuidmig.planner.closure import with_partitions
from uuidmig.planner.model import Hazard, Plan
from uuidmig.planner.partitions import all_members


def any_forced(plan: Plan) -> bool:
    """Return whether row security is forced on a table that is copied or tied to one of those."""
    outside = (part for table in plan.outside_tables for part in with_partitions(table))
    tables = (*(member.table for member in all_members(plan)), *outside)
    return any(is_forced(table) for table in tables)


def is_forced(table: Table) -> bool:
    """Return whether policies apply to the table's owner too."""
    return table.row_security and table.force_row_security


def restricted_views(plan: Plan) -> tuple[MaterializedView, ...]:
    """Return the materialized views whose content may depend on the session that fills them.

    REFRESH runs as the view's owner, to whom forced policies apply; they mostly ask for a setting.
    What a view reads by way of other views the plan does not tell, so one such table makes all of
    them suspect.
    """
    forced = any(is_forced(member.table) for member in all_members(plan))
    return plan.dependents.materialized_views if forced else ()


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
    yield from (_filled_by_whom(view) for view in restricted_views(plan) if view.populated)
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


def _filled_by_whom(view: MaterializedView) -> Hazard:
    name = view.relation.identifier.as_string(None)
    return Hazard(
        "refusal",
        "materialized-view-restricted",
        str(view.relation),
        "row security is forced on tables of the plan: the cutover would fill it with the rows that"
        " policies show in its own session",
        f"REFRESH MATERIALIZED VIEW {name} WITH NO DATA until the cutover is done, then REFRESH it"
        " in a session like the one that filled it; or drop it",
    )


def _hidden(table: Table, plan: Plan, what: str) -> Hazard:
    user = plan.server.user
    return Hazard(
        "refusal",
        "forced-row-security",
        str(table.name),
        f"row security is forced for its owner too, role {user} does not bypass it and cannot read"
        f" past it here (this takes temporary tables): not every row could be {what}",
        f'run as a role with BYPASSRLS (a superuser: ALTER ROLE "{user}" BYPASSRLS until finish);'
        " where no application is the table's owner, for the time of the run: ALTER TABLE"
        f" {table.name.identifier.as_string(None)} NO FORCE ROW LEVEL SECURITY",
    )
