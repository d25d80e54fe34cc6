"""What of partitioned tables is not handled, and what must be known of them."""

from __future__ import annotations

from collections.abc import Iterator

from uuidmig.planner.model import ClosureTable, Hazard, Plan

NOT_VALID_WHEN_PARTITIONED = 180000
"""From this server version on a partitioned table takes a foreign key NOT VALID."""


def find_partition_advice(table: ClosureTable) -> Iterator[Hazard]:
    """Yield what whoever creates and drops partitions must know."""
    if table.table.kind == "p":
        yield Hazard(
            "warning",
            "partitions-must-stay",
            str(table.name),
            f"{len(table.table.partitions)} partitions: one that comes or goes before the cutover "
            "stops it, one that comes or goes after it stands in the way of a rollback",
            "create now what is needed until finish, and let no job create or drop any meanwhile",
        )


def find_staged_incoming(plan: Plan) -> Iterator[Hazard]:
    """Yield a refusal for each partitioned table that stays, but whose foreign key must be renewed.

    Before 18 that would read all of it under the locks of the cutover.
    """
    if plan.server.version >= NOT_VALID_WHEN_PARTITIONED:
        return
    partitioned = set(plan.partitioned_outside)
    for key in plan.incoming:
        if key.child in partitioned:
            yield Hazard(
                "refusal",
                "partitioned-outside",
                f"{key.child}.{key.name}",
                f"the foreign key of a partitioned table references {key.parent}, and this server "
                "adds it only with all rows checked while everybody waits",
                "drop it and add it again afterwards, or upgrade to PostgreSQL 18 first",
            )
