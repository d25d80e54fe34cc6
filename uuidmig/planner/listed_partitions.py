"""Partitioned by LIST of a key: the bounds are keys, and get new values like the rows.

A partition for the old keys of some parents becomes one for their new keys, so every row stays in
its partition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from uuidmig.catalog.model import Table
from uuidmig.planner.model import ClosureTable, Hazard, KeyDomain, Plan, Reference
from uuidmig.planner.rerouting import children, listed_column, partitioned

_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class ListedPartition:
    """A partition for the rows with one of `keys`, which are keys of `domain`, or NULL."""

    partition: Table
    domain: KeyDomain
    keys: tuple[UUID, ...]
    has_null: bool


def listed_partition(plan: Plan, table: ClosureTable, partition: Table) -> ListedPartition | None:
    """Return what is listed for a partition of the table; None where its bound is no list of keys.

    A DEFAULT partition lists nothing: its bound stays as it is.
    """
    above = next((part for part in partitioned(table) if part.name == partition.parent), None)
    if above is None or partition.bound in (None, "DEFAULT"):
        return None
    column = listed_column(table, above)
    if column is None:
        return None
    _, _, values = (partition.bound or "").partition("(")
    keys = tuple(UUID(text) for text in _QUOTED.findall(values))
    has_null = "NULL" in _QUOTED.sub("", values)
    return ListedPartition(partition, plan.domain(_domain(table, column)), keys, has_null)


def listed_partitions(plan: Plan) -> Iterator[ListedPartition]:
    """Yield all partitions of the plan whose bounds are keys."""
    for table in plan.tables:
        for partition in table.table.partitions:
            found = listed_partition(plan, table, partition)
            if found is not None:
                yield found


def _domain(table: ClosureTable, column: str) -> int:
    of_roots = dict(table.roots)
    if column in of_roots:
        return of_roots[column]
    return next(reference.domain for reference in table.references if reference.column == column)


def find_listed_refusals(table: ClosureTable, plan: Plan) -> Iterator[Hazard]:
    """Yield a refusal for each LIST of keys whose new values cannot be told for certain."""
    for part in partitioned(table):
        column = _listing(table, part)
        if column is None:
            continue
        for reason in _reasons(table, plan, column):
            yield Hazard(
                "refusal",
                "partitioned-by-key",
                f"{part.name}.{column}",
                f"the table is partitioned by {part.partition_key}, and {reason}",
                "choose --strategy default-only, which changes no key; or put the rows into a "
                "table that is partitioned by a column without keys first; or leave the table out "
                "with --table or --schema",
            )


def _listing(table: ClosureTable, part: Table) -> str | None:
    """Return the column of a LIST of keys of which some partition lists any."""
    if all(child.bound == "DEFAULT" for child in children(table, part)):
        return None
    return listed_column(table, part)


def _reasons(table: ClosureTable, plan: Plan, column: str) -> Iterator[str]:
    domain = plan.domain(_domain(table, column))
    references = [r for r in table.references if r.column == column]
    if not domain.root_unique:
        yield f"{domain.root} is not unique by itself: a listed key may become several"
    if column not in dict(table.roots) and not any(_is_checked(table, r) for r in references):
        yield "no foreign key makes sure that what the column holds are keys"
    if plan.table(domain.root.table).table.force_row_security:
        yield f"row security is forced on {domain.root.table}, whose rows tell the new keys"


def _is_checked(table: ClosureTable, reference: Reference) -> bool:
    """Return whether the server lets no value without parent into the column."""
    if reference.foreign_key is None:
        return False
    key = next(k for k in table.table.foreign_keys if k.name == reference.foreign_key)
    others = [column for column in key.columns if column != reference.column]
    return key.match != "s" or all(table.table.column(column).not_null for column in others)


def find_listed_advice(table: ClosureTable, plan: Plan) -> Iterator[Hazard]:
    """Yield what becomes of bounds that are keys."""
    for part in partitioned(table):
        if _listing(table, part) is None:
            continue
        old = (
            ", and the old ones, by which applications may still insert"
            if plan.options.grace
            else ""
        )
        yield Hazard(
            "warning",
            "partition-bounds-change",
            str(part.name),
            f"partitioned by {part.partition_key}: the bounds of its partitions become the new "
            f"values of these keys{old}",
            "look for code and migrations that name these keys; partitions for new keys are made "
            "as before",
        )
