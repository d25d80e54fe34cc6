"""Schemas that are partitioned by hash of a key, made into the same by range of it.

The bounds leave old keys, which are random, and new ones, which begin with the time, in several
partitions each.
"""

from __future__ import annotations

import re

_START, _END = "minvalue", "maxvalue"
_2023 = "'018b0000-0000-0000-0000-000000000000'"  # October 2023
_MIDDLE = "'80000000-0000-0000-0000-000000000000'"
_LATE = "'c0000000-0000-0000-0000-000000000000'"
# What takes the place of (modulus, remainder).
_RANGES = {
    (1, 0): (_START, _END),
    (2, 0): (_START, _MIDDLE),
    (2, 1): (_MIDDLE, _END),
    (3, 0): (_START, _2023),
    (3, 1): (_2023, _MIDDLE),
    (3, 2): (_MIDDLE, _END),
    (4, 1): (_MIDDLE, _LATE),
    (4, 3): (_LATE, _END),
}
_TABLE = re.compile(r"(create table (\S+|\"[^\"]+\") (?:[^;]*?)partition by )hash( \(([^)]*)\));")
_PARTITION = re.compile(
    r"(partition of|alter table) (\S+)([^;]*) for values with \(modulus (\d), remainder (\d)\)"
)


def by_range(schema: str) -> str:
    """Return the schema with every "partition by hash" made into "partition by range"."""
    columns = {found[2]: found[4].count(",") + 1 for found in _TABLE.finditer(schema)}

    def bounds(found: re.Match[str]) -> str:
        ends = _RANGES[int(found[4]), int(found[5])]
        lower, upper = (_bound(end, columns[found[2]]) for end in ends)
        return f"{found[1]} {found[2]}{found[3]} for values from ({lower}) to ({upper})"

    return _PARTITION.sub(bounds, _TABLE.sub(r"\1range\3;", schema))


def _bound(value: str, columns: int) -> str:
    rest = value if value == _END else _START
    return ", ".join([value, *[rest] * (columns - 1)])
