"""Partitions by range: their bounds, as pg_get_expr writes them, and what they leave no gap in.

A bound has a value for each expression of the partition key. Rows are compared by the first that
differs; behind the first MINVALUE or MAXVALUE of a bound nothing is compared, and the server takes
only more of the same there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[(),]|[^'"(),]+""")
_RANGE = re.compile(
    r"FOR VALUES FROM (\((?:'(?:[^']|'')*'|[^'])*?\)) TO (\((?:'(?:[^']|'')*'|[^'])*\))"
)
MINVALUE, MAXVALUE = "MINVALUE", "MAXVALUE"
_ENDLESS = frozenset({MINVALUE, MAXVALUE})


@dataclass(frozen=True, slots=True)
class Range:
    """The rows from `lower` on that come before `upper`; the values are SQL: "'2024-01-01'"."""

    lower: tuple[str, ...]
    upper: tuple[str, ...]

    @property
    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.lower, self.upper


def split_list(text: str) -> tuple[str, ...]:
    """Return the elements of a list in parentheses: "(a, f(b, c))" has "a" and "f(b, c)"."""
    elements, depth = [""], 0
    for token in _TOKEN.findall(text):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "," and depth == 1:
            elements.append("")
        elif (token, depth) not in {("(", 1), (")", 0)}:
            elements[-1] += token
    return tuple(element.strip() for element in elements)


@lru_cache(maxsize=10_000)
def read_range(bound: str | None) -> Range | None:
    """Return the range of a partition; None where it has none, as the DEFAULT one."""
    found = _RANGE.fullmatch(bound or "")
    return None if found is None else Range(split_list(found[1]), split_list(found[2]))


def read_ranges(bounds: Iterable[str | None]) -> tuple[Range, ...]:
    """Return the ranges of the partitions that have one."""
    return tuple(found for bound in bounds if (found := read_range(bound)) is not None)


def has_value(values: Iterable[str]) -> bool:
    """Return whether anything is compared with these values of a bound."""
    return not _ENDLESS.issuperset(values)


def compared(expressions: tuple[str, ...], ranges: Iterable[Range]) -> tuple[str, ...]:
    """Return those expressions of a partition key that decide where a row belongs: the ones before
    the first behind which no bound has a value."""
    number = 0
    for each in ranges:
        for end in each.ends:
            while has_value(end[number:]):
                number += 1
    return expressions[:number]


def runs(ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the ranges joined wherever one begins as another ends: what has no gap inside."""
    following = {each.lower: each for each in ranges}
    inner = {each.upper for each in following.values()}
    for first in following.values():
        if first.lower in inner:
            continue
        run = first
        while run.upper in following:
            run = replace(run, upper=following[run.upper].upper)
        yield run
