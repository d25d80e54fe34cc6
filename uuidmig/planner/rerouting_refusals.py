"""What stands against rows that change their partition with their key.

The server finds a partition for every new key, and takes the row there, only where all partitions
of a tree take the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from uuidmig.catalog.model import RelationName, Table
from uuidmig.planner.model import ClosureTable, ColumnName, Hazard
from uuidmig.planner.range_by_key import (
    find_gathering,
    find_missing_range,
    is_by_range,
    takes_every_row,
)
from uuidmig.planner.rerouting import (
    children,
    deciding_keys,
    mixes,
    mixing_keys,
    partitioned,
    shared_entrances,
)

_REMAINDER = re.compile(r"modulus (\d+), remainder (\d+)")

_EQUAL = "what its operator class takes for equal is not known"
_REPARTITION = (
    "choose --strategy default-only, which changes no key; or put the rows into a table that is "
    "partitioned by hash or by a column without keys first; or leave the table out with --table "
    "or --schema"
)


def find_rerouting_refusals(table: ClosureTable) -> Iterator[Hazard]:
    """Yield a refusal for each reason why a row could not go where its new key belongs."""
    for part in partitioned(table):
        if not mixes(table, part):
            continue
        if (part.partition_key or "").startswith("HASH "):
            yield from _missing_remainders(table, part)
            yield from _unlike_children(table, part)
        elif is_by_range(part):
            yield from find_missing_range(table, part)
            yield from _unlike_children(table, part)
        else:
            yield from _bounds(table, part)
    for member, _ in shared_entrances(table):
        below = tuple(_below(table, member.name))
        yield from _own_rules(member.table, below)
        yield from _mixed_persistence(member.table, below)


def find_rerouting_advice(table: ClosureTable) -> Iterator[Hazard]:
    """Yield what is different where rows change their partition."""
    if keys := mixing_keys(table):
        yield Hazard(
            "warning",
            "rows-change-partition",
            str(table.name),
            f"partitioned by keys ({', '.join(keys)}): with its new key a row lies in "
            "another partition, and an INSERT with a remembered old key there fails, as the server "
            "has chosen the partition before the key could be translated",
            "look at jobs, views, policies and triggers of single partitions, which will see other "
            "rows; let applications read these keys again right after the cutover",
        )
    yield from find_gathering(table)


def _bounds(table: ClosureTable, part: Table) -> Iterator[Hazard]:
    for column in deciding_keys(table, part):
        yield Hazard(
            "refusal",
            "partitioned-by-key",
            str(ColumnName(part.name, column)),
            f"the table is partitioned by {part.partition_key}: {_EQUAL}",
            _REPARTITION,
        )


def _missing_remainders(table: ClosureTable, part: Table) -> Iterator[Hazard]:
    present = [_REMAINDER.search(child.bound or "") for child in children(table, part)]
    pairs = [(int(found[1]), int(found[2])) for found in present if found is not None]
    if not pairs:
        return  # no row is there
    greatest = max(modulus for modulus, _ in pairs)
    taken = {r for modulus, first in pairs for r in range(first, greatest, modulus)}
    missing = sorted(set(range(greatest)) - taken)
    if missing:
        listed = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        yield Hazard(
            "refusal",
            "missing-partition",
            str(part.name),
            "there is no partition for every new key: none takes the keys whose hash leaves "
            f"remainder {listed} of {greatest}",
            "create them: CREATE TABLE ... PARTITION OF ... FOR VALUES WITH "
            f"(MODULUS {greatest}, REMAINDER {missing[0]})",
        )


def _unlike_children(table: ClosureTable, part: Table) -> Iterator[Hazard]:
    found = children(table, part)
    for child in found[1:]:
        if _shape(table, child) != _shape(table, found[0]):
            yield Hazard(
                "refusal",
                "missing-partition",
                str(child.name),
                f"its partitions are not those of {found[0].name}: a row that moves from one to "
                "the other with its new key may find none",
                "give both partitions with the same bounds, or each a DEFAULT partition",
            )


def _takes_all(table: ClosureTable, part: Table) -> bool:
    """Return whether every row has a place below this part, as far as it comes there."""
    if part.kind != "p":
        return True
    below = children(table, part)
    if (part.partition_key or "").startswith("HASH "):
        complete = not any(_missing_remainders(table, part))
    elif is_by_range(part):
        complete = takes_every_row(table, part)
    else:
        complete = any(child.bound == "DEFAULT" for child in below)
    return bool(below) and complete and all(_takes_all(table, child) for child in below)


type _Shape = tuple[str | None, frozenset[tuple[str | None, _Shape]]] | None


def _shape(table: ClosureTable, part: Table) -> _Shape:
    """Return which rows find a place below this part: equal shapes take the same. None: all."""
    if _takes_all(table, part):
        return None
    below = children(table, part)
    return part.partition_key, frozenset((child.bound, _shape(table, child)) for child in below)


def _below(table: ClosureTable, name: RelationName) -> Iterator[Table]:
    above = {name}
    for part in table.table.partitions:  # parents first
        if part.parent in above:
            above.add(part.name)
            yield part


def _own_rules(top: Table, below: tuple[Table, ...]) -> Iterator[Hazard]:
    for part in below:
        for what in _rules(top, part):
            yield _differs(
                part.name,
                f"{what} is not on {top.name} as a whole: rows that come from other partitions "
                "with their new keys may not fit",
                "drop it, or give it to the whole table",
            )


def _rules(top: Table, part: Table) -> Iterator[str]:
    """Yield what a partition asks of its rows that the whole table does not ask."""
    yield from (f"constraint {check.name}" for check in part.checks if not check.inherited)
    for index in part.indexes:
        if (index.unique or index.constraint_type == "x") and index.parent is None:
            yield f"unique index {index.name}"
    for column in part.columns:
        whole = top.column(column.name)
        if column.not_null and not whole.not_null:
            yield f"NOT NULL of {column.name}"
        if (column.generated, column.generation_expression) != (
            whole.generated,
            whole.generation_expression,
        ):
            yield f"what generates {column.name}"


def _mixed_persistence(top: Table, below: tuple[Table, ...]) -> Iterator[Hazard]:
    kinds = {part.persistence for part in below if part.kind != "p"}
    if len(kinds) > 1:
        yield _differs(
            top.name,
            "some partitions are UNLOGGED: logged rows would come to lie in them",
            "ALTER TABLE ... SET LOGGED",
        )


def _differs(name: RelationName, message: str, remedy: str) -> Hazard:
    return Hazard("refusal", "partition-differs", str(name), message, remedy)
