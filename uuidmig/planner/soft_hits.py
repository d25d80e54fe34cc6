"""What a sample says about references that no foreign key declares. Pure: rows in, findings out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuidmig.catalog.model import Table
from uuidmig.planner.json_path import read_path, write_key
from uuidmig.planner.model import ColumnName, Hazard, Plan
from uuidmig.planner.soft_references import ARRAY_TYPES, JSON_TYPES, TEXT_TYPES

SAMPLED_CODES = (
    "undeclared-soft-reference",
    "soft-reference-odd-text",
    "soft-references-not-sampled",
)

_UUID = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_MOST_PATHS = 100  # of one document column; keys that are data would make any number of them
_MOST_VALUES = 20  # that a discriminator has
_NEIGHBOUR_TYPES = (*TEXT_TYPES, "int2", "int4", "bool")
_TELLING_NAMES = ("type", "kind", "class", "entity", "model", "table", "object")
_MOST_NEIGHBOURS = 6
_PURER = 0.05  # by how much the hit rate must be better in the rows a discriminator picks


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of some values that look like a uuid are keys that exist."""

    values: int
    hits: int


@dataclass(frozen=True, slots=True)
class ValueRate:
    """The rate in rows whose discriminator has this value (None: NULL)."""

    equals: str | None
    values: int
    hits: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Values at one place that are keys of one root. `path` is None for a plain column.

    `by` is the neighbour column that tells the rows with hits from others, if one does, with its
    values in `by_value`.
    """

    path: str | None
    root: ColumnName
    values: int
    hits: int
    odd: int = 0  # hits that a declaration does not cover: written otherwise, or nested arrays
    by: str | None = None
    by_value: tuple[ValueRate, ...] = ()


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """One column that was sampled, and what it holds; `problem` says why it was not."""

    column: ColumnName
    type: str
    form: str  # "uuid" | "text" | "array" | "json"
    sampled: str
    rows: int = 0
    values: int = 0  # that look like a uuid, wherever in the rows
    findings: tuple[Finding, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SoftReport:
    """All columns without a foreign key that were sampled; `left_out` had to wait too long."""

    columns: tuple[SampledColumn, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A value that looks like a uuid: where in the row it is, and the row's neighbour values."""

    path: str | None
    value: UUID
    odd: bool = False
    neighbours: tuple[str | None, ...] = ()


def form_of(base_type: str) -> str | None:
    """Return in which form a type may hold keys; None when it cannot."""
    if base_type == "uuid":
        return "uuid"
    forms = ((TEXT_TYPES, "text"), (ARRAY_TYPES, "array"), (JSON_TYPES, "json"))
    return next((form for types, form in forms if base_type in types), None)


def find_neighbours(table: Table, column: str) -> tuple[str, ...]:
    """Return the columns that may say what the keys in `column` are of, the likeliest first."""
    fits = [
        c.name
        for c in table.columns
        if c.name != column and (c.base_type in _NEIGHBOUR_TYPES or c.type_kind == "e")
    ]
    return tuple(sorted(fits, key=lambda name: (not _is_telling(name), name))[:_MOST_NEIGHBOURS])


def _is_telling(name: str) -> bool:
    return any(word in name.lower() for word in _TELLING_NAMES)


def find_occurrences(form: str, rows: Iterable[tuple[Any, ...]]) -> tuple[Occurrence, ...]:
    """Return every value in the sampled rows that looks like a uuid."""
    return tuple(
        Occurrence(path, value, odd, tuple(neighbours))
        for found, *neighbours in rows
        if found is not None
        for path, value, odd in _places(form, found)
    )


def _places(form: str, value: Any) -> Iterator[tuple[str | None, UUID, bool]]:
    """Yield path, key, and whether a declaration leaves it alone: one in canonical form counts."""
    if form == "json":
        for path, inside, text in _in_document(json.loads(value), "$"):
            yield path, inside, text != str(inside)
    elif form == "array":
        nested = any(isinstance(item, list) for item in value)
        for item in _flat(value):
            if key := as_uuid(item):
                yield "[*]", key, nested or item != str(key)
    elif key := as_uuid(value):
        yield None, key, form == "text" and value != str(key)


def _flat(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _in_document(value: object, path: str) -> Iterator[tuple[str, UUID, object]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if key := as_uuid(name):  # data, not a name: it would make a path of its own
                yield f"{path}.keyvalue().key", key, name
            yield from _in_document(item, f"{path}.{'*' if key else write_key(name)}")
    elif isinstance(value, list):
        for item in value:
            yield from _in_document(item, f"{path}[*]")
    elif key := as_uuid(value):
        yield path, key, value


def as_uuid(value: object) -> UUID | None:
    """Return the uuid a text is, in any form PostgreSQL takes; None for anything else."""
    if isinstance(value, str) and _UUID.fullmatch(value):
        return UUID(value.strip("{}"))
    return None


def judge(
    occurrences: Sequence[Occurrence],
    existing: Mapping[ColumnName, set[UUID]],
    neighbours: Sequence[str],
) -> tuple[Finding, ...]:
    """Return the places with values that are keys, by path and root, the surest first."""
    by_path: dict[str | None, list[Occurrence]] = {}
    for occurrence in occurrences:
        if occurrence.path in by_path or len(by_path) < _MOST_PATHS:
            by_path.setdefault(occurrence.path, []).append(occurrence)
    findings = [
        _finding(path, root, found, keys, neighbours)
        for path, found in by_path.items()
        for root, keys in existing.items()
        if any(occurrence.value in keys for occurrence in found)
    ]
    return tuple(sorted(findings, key=lambda f: (-f.hits, f.path or "", f.root)))


def _finding(
    path: str | None,
    root: ColumnName,
    found: Sequence[Occurrence],
    keys: set[UUID],
    neighbours: Sequence[str],
) -> Finding:
    hits = sum(occurrence.value in keys for occurrence in found)
    best, rates = None, {}
    purity = hits / len(found) + _PURER
    for place, name in enumerate(neighbours):
        groups = _rates(found, keys, place)
        picked = [rate for rate in groups.values() if rate.hits]
        rate = hits / sum(group.values for group in picked)
        if len(groups) <= _MOST_VALUES and len(picked) < len(groups) and rate >= purity:
            best, rates, purity = name, groups, rate + _PURER
    by_value = (ValueRate(value, rate.values, rate.hits) for value, rate in rates.items())
    ordered = sorted(by_value, key=lambda v: (-v.hits, v.equals or ""))
    odd = sum(occurrence.odd for occurrence in found if occurrence.value in keys)
    return Finding(path, root, len(found), hits, odd, best, tuple(ordered))


def _rates(found: Sequence[Occurrence], keys: set[UUID], place: int) -> dict[str | None, Rate]:
    values = Counter(occurrence.neighbours[place] for occurrence in found)
    hits = Counter(o.neighbours[place] for o in found if o.value in keys)
    return {value: Rate(number, hits[value]) for value, number in values.items()}


def undeclared(plan: Plan, report: SoftReport) -> Iterator[Hazard]:
    """Yield a warning for each column and root with hits that nothing declares."""
    declared = {
        (
            ColumnName(entry.name, reference.column),
            reference.path,
            plan.domain(reference.domain).root,
        )
        for entry in plan.tables
        for reference in entry.references
    }
    for column in report.columns:
        for finding in column.findings:
            path = finding.path if column.form == "json" else None
            if (column.column, path, finding.root) in declared:
                yield from _odd(column, finding)
            else:
                yield Hazard(
                    "warning",
                    "undeclared-soft-reference",
                    str(column.column),
                    f"{describe(finding)}; without a declaration they stay as they are "
                    f"(sampled: {column.sampled})",
                    _remedy(column, finding),
                )
    if report.left_out:
        yield Hazard(
            "note",
            "soft-references-not-sampled",
            plan.server.database,
            f"{report.left_out} columns were not looked at for undeclared references: it took too "
            "long",
            "uuidmig plan --soft-references takes the time",
        )


def _odd(column: SampledColumn, finding: Finding) -> Iterator[Hazard]:
    if finding.odd:
        yield Hazard(
            "warning",
            "soft-reference-odd-text",
            str(column.column),
            f"{finding.odd} of {finding.hits} keys of {finding.root} are not written as PostgreSQL "
            f"writes a uuid, or in arrays of several dimensions, and stay as they are (sampled: "
            f"{column.sampled})",
            "lower case, with hyphens, without braces, one dimension: UPDATE them before the "
            "migration",
        )


def describe(finding: Finding) -> str:
    """Return a finding in words."""
    where = f" at {finding.path}" if finding.path else ""
    only = ", ".join(str(rate.equals) for rate in finding.by_value if rate.hits)
    rows = f", where {finding.by} is {only}" if finding.by else ""
    return (
        f"{finding.hits} of {finding.values} values{where} that look like a uuid are keys of "
        f"{finding.root}{rows}"
    )


def _remedy(column: SampledColumn, finding: Finding) -> str:
    if column.type.startswith("character(") or not _is_declarable(column, finding):
        return (
            "soft references of this kind cannot be declared: map the values with "
            "uuidmig_keys.current_key() between cutover and finish"
        )
    if column.form in ("uuid", "text"):
        return "declare it as a soft reference in the configuration, or add the foreign key"
    return "declare it as a soft reference in the configuration"


def _is_declarable(column: SampledColumn, finding: Finding) -> bool:
    """Keys that are the names in an object have no path that a declaration takes."""
    if column.form != "json" or finding.path is None:
        return True
    try:
        read_path(finding.path)
    except ValueError:
        return False
    return True
