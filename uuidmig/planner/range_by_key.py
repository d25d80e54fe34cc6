"""Partitioned by range of a key: which partitions take the new keys, and whether any is missing.

New keys begin with the milliseconds since 1970, so all of them lie in the first part of what a
uuid can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from uuidmig.catalog.model import Table
from uuidmig.planner.model import ClosureTable, ColumnName, Hazard
from uuidmig.planner.range_bounds import (
    MAXVALUE,
    MINVALUE,
    Range,
    has_value,
    read_range,
    read_ranges,
    runs,
    split_list,
)
from uuidmig.planner.rerouting import children, deciding_keys, mixes, names_column, partitioned

FIRST_KEY = UUID("00000000-0000-7000-8000-000000000000")
"""The least new key, of 1970."""
END_OF_KEYS = UUID("02000000-0000-0000-0000-000000000000")
"""No key made before September 2039 is as great. What comes later is for who adds partitions."""

_LISTED = 10
_CANNOT_TELL = "its bounds do not tell whether there is a partition for every new key"
_DEFAULT = "CREATE TABLE ... PARTITION OF {} DEFAULT"
_ELSE = (
    "; or choose --strategy default-only, which changes no key; or leave the table out with "
    "--table or --schema"
)


def is_by_range(part: Table) -> bool:
    return (part.partition_key or "").startswith("RANGE ")


def find_missing_range(table: ClosureTable, part: Table) -> Iterator[Hazard]:
    """Yield a refusal where a row with a new key could find no partition right below this part."""
    found = tuple(runs(_ranges(table, part)))
    keys = deciding_keys(table, part)
    expressions = _expressions(part)
    first = next(n for n, e in enumerate(expressions) if any(names_column(k, e) for k in keys))
    # Where no run begins or ends at a key, whatever is in it stays in it with another key.
    inside = not any(has_value(end[first:]) for run in found for end in run.ends)
    if inside or _has_default(table, part):
        return
    if not _begins_with_key(table, part):
        for key in keys:
            yield Hazard(
                "refusal",
                "partitioned-by-key",
                str(ColumnName(part.name, key)),
                f"the table is partitioned by {part.partition_key}: {_CANNOT_TELL}",
                f"create one for all others: {_DEFAULT.format(part.name)}{_ELSE}",
            )
    elif not any(_takes_new_keys(run) for run in found):
        yield _missing(part, found)


def find_gathering(table: ClosureTable) -> Iterator[Hazard]:
    """Yield that the rows come to lie in few partitions, and in which."""
    parts = [part for part in partitioned(table) if is_by_range(part) and mixes(table, part)]
    if not parts:
        return
    places = [place for part in parts for place in _places(table, part)]
    more = ", ..." if len(places) > _LISTED else ""
    listed = ", ".join(places[:_LISTED]) + more if places else "few of the partitions"
    keys = sorted({key for part in parts for key in deciding_keys(table, part)})
    yield Hazard(
        "warning",
        "rows-gather",
        str(table.name),
        f"partitioned by range of keys ({', '.join(keys)}): new keys begin with the time, so "
        f"nearly all rows come to lie in {listed}, and new rows as well",
        "divide these partitions by time, before the migration or after finish (uuidmig keys --at "
        "TIME shows where a key of that time lies); or choose --strategy default-only, which "
        "leaves present rows where they are",
    )


def takes_every_row(table: ClosureTable, part: Table) -> bool:
    """Return whether the partitions right below a part by range take whatever comes there.

    NULL, which lies in no range, does not come: these columns are part of what tells rows apart.
    """
    return _has_default(table, part) or any(
        set(run.lower) == {MINVALUE} and set(run.upper) == {MAXVALUE}
        for run in runs(_ranges(table, part))
    )


def _places(table: ClosureTable, part: Table) -> Iterator[str]:
    """Yield the partitions that take the new keys; none when that depends on more than the key."""
    if not _begins_with_key(table, part):
        return
    covered = any(_takes_new_keys(run) for run in runs(_ranges(table, part)))
    for child in children(table, part):
        found = read_range(child.bound)
        if (found is None and not covered) or (found is not None and _has_new_keys(found)):
            yield str(child.name)


def _missing(part: Table, found: tuple[Range, ...]) -> Hazard:
    first = (f"'{FIRST_KEY}'", *[MINVALUE] * (len(_expressions(part)) - 1))
    lower = next((run.upper for run in found if _holds_first_key(run)), first)
    return Hazard(
        "refusal",
        "missing-partition",
        str(part.name),
        f"there is no partition for every new key: none takes those from {lower[0]} on; new keys "
        f"lie between {FIRST_KEY} (1970) and {END_OF_KEYS} (2039)",
        "create what is missing: CREATE TABLE ... PARTITION OF "
        f"{part.name} FOR VALUES FROM ({', '.join(lower)}) TO (...); or one for all others: "
        f"{_DEFAULT.format(part.name)}{_ELSE}",
    )


def _ranges(table: ClosureTable, part: Table) -> tuple[Range, ...]:
    return read_ranges(child.bound for child in children(table, part))


def _has_default(table: ClosureTable, part: Table) -> bool:
    return any(child.bound == "DEFAULT" for child in children(table, part))


def _expressions(part: Table) -> tuple[str, ...]:
    return split_list((part.partition_key or "").removeprefix("RANGE "))


def _begins_with_key(table: ClosureTable, part: Table) -> bool:
    """Return whether rows are compared by a key first, and as uuids usually are: the column stands
    there without an operator class."""
    first = _expressions(part)[0]
    return any(
        first in (key, '"' + key.replace('"', '""') + '"') for key in deciding_keys(table, part)
    )


def _position(value: str) -> int:
    """Return where a bound lies among all uuids: -1 before them, 2 to the power of 128 behind."""
    if value in (MINVALUE, MAXVALUE):
        return -1 if value == MINVALUE else 1 << 128
    return UUID(value.strip("'")).int


def _is_after(values: tuple[str, ...], key: UUID) -> bool:
    """Return whether a bound comes after the first row that has the key."""
    position = _position(values[0])
    rest = any(value != MINVALUE for value in values[1:])
    return position > key.int or (position == key.int and rest)


def _holds_first_key(run: Range) -> bool:
    return not _is_after(run.lower, FIRST_KEY) and _is_after(run.upper, FIRST_KEY)


def _takes_new_keys(run: Range) -> bool:
    return _holds_first_key(run) and _position(run.upper[0]) >= END_OF_KEYS.int


def _has_new_keys(found: Range) -> bool:
    return _position(found.lower[0]) < END_OF_KEYS.int and _is_after(found.upper, FIRST_KEY)
