"""The shape of a user's own table. Reads its definition and statistics, no row of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.bench.inserts.shapes import Shape, ShapeColumn, ShapeIndex
from uuidmig.bench.inserts.tables import FRESH_TYPES, POOL_ROWS
from uuidmig.catalog.model import Column, ForeignKey, Index, Table
from uuidmig.catalog.read import read_catalog
from uuidmig.catalog.rows import Row, fetch
from uuidmig.errors import ConfigurationError
from uuidmig.planner.selection import find_table

_TYPES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "numeric": "numeric",
    "date": "date",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "uuid": "uuid",
    "text": "text",
    "varchar": "text",
    "bpchar": "text",
    "name": "text",
    "bytea": "bytea",
    "json": "json",
    "jsonb": "jsonb",
}
_WHOLE_NUMBERS = ("smallint", "integer", "bigint")
_NOW = re.compile(
    r"now\(\)|\w+_timestamp\(\)|CURRENT_(TIMESTAMP|DATE)(\(\d\))?|LOCALTIMESTAMP(\(\d\))?"
)
_METHODS = ("btree", "hash", "brin")
_WIDTH_UNKNOWN = 32
_OVERHEAD = {"jsonb": 20, "json": 14}  # of the object around the text, and its header


@dataclass(frozen=True, slots=True)
class _Statistics:
    width: int = _WIDTH_UNKNOWN
    null_share: float = 0.0
    distinct: float = POOL_ROWS


def split_against(text: str) -> tuple[str | None, str]:
    """Return connection string and table of "DSN/table"; None for "table" alone.

    ConfigurationError when there is no table.
    """
    dsn, _, table = text.rpartition("/")
    if not table.strip():
        raise ConfigurationError("--against: name the table after the last /: DSN/schema.table")
    return dsn or None, table


def read_shape(connection: psycopg.Connection[Any], name: str) -> Shape:
    """Return the shape of the table of that name.

    ConfigurationError when there is none, when the name is ambiguous, and when the table has no
    primary key.
    """
    table = find_table(read_catalog(connection), name)
    rows = fetch(
        connection,
        "bench_columns",
        schema=table.name.schema,
        table=table.name.name,
        inherited=table.kind == "p",
    )
    return shape_of(table, {row["name"]: _statistics(row, table) for row in rows})


def _statistics(row: Row, table: Table) -> _Statistics:
    found = row["distinct_values"]
    distinct = found if found >= 0 else -found * max(table.rows, POOL_ROWS)
    return _Statistics(row["width"], row["null_share"], distinct)


def shape_of(table: Table, statistics: Mapping[str, _Statistics]) -> Shape:
    """Return the shape of a table; ConfigurationError when it has no primary key."""
    primary = table.primary_key
    if primary is None or None in primary.columns:
        raise ConfigurationError(f"table {table.name} has no primary key: nothing to compare")
    primary_key = tuple(name for name in primary.columns if name)
    key = _choose_key(table, primary_key)
    references = {fk.columns[0]: fk for fk in table.foreign_keys if _is_reference(table, fk, key)}
    kept = tuple(
        index for index in table.indexes if not index.primary and _why_not(table, index) is None
    )
    fresh = {
        name for index in kept if index.unique if (name := _unique_by(table, index, references))
    }
    columns = tuple(
        _column(table, column, key, references, fresh, statistics, kept) for column in table.columns
    )
    indexes = tuple(_index(table, index, references, key) for index in kept)
    left_out = tuple(_left_out(table, references, kept, key, statistics))
    return Shape(str(table.name), columns, primary_key, indexes, left_out)


def _choose_key(table: Table, primary_key: tuple[str, ...]) -> str:
    """The column whose keys are compared: of several a uuid, and none that references."""
    referencing = {name for fk in table.foreign_keys for name in fk.columns}

    def fitness(name: str) -> tuple[bool, bool]:
        return name not in referencing, _type(table.column(name)) == "uuid"

    return max(reversed(primary_key), key=fitness)


def _is_reference(table: Table, fk: ForeignKey, key: str) -> bool:
    (first, *others) = fk.columns
    kind = _type(table.column(first))
    return not others and first != key and kind in ("uuid", *_WHOLE_NUMBERS)


def _column(
    table: Table,
    column: Column,
    key: str,
    references: Mapping[str, ForeignKey],
    fresh: set[str],
    statistics: Mapping[str, _Statistics],
    indexes: tuple[Index, ...],
) -> ShapeColumn:
    known = statistics.get(column.name, _Statistics())
    kind = _type(column)
    if column.name == key:
        return ShapeColumn(column.name, "key")
    if column.name in references:
        return ShapeColumn(column.name, "reference", fixed_type=kind != "uuid")
    if kind.startswith(("timestamp", "date")) and _NOW.fullmatch(column.default or ""):
        return ShapeColumn(column.name, "now", kind)
    indexed = any(column.name in index.columns for index in indexes)
    own = column.name in fresh or bool(column.sequence) or kind == "uuid"
    if kind in FRESH_TYPES and (own or (indexed and known.distinct > POOL_ROWS)):
        return ShapeColumn(column.name, "fresh", kind, width=_width(kind, known))
    return ShapeColumn(
        column.name,
        "filler",
        kind,
        width=_width(kind, known),
        distinct=max(1, round(min(known.distinct, POOL_ROWS))),
        null_share=0.0 if column.not_null else known.null_share,
    )


def _width(kind: str, known: _Statistics) -> int:
    """Return the bytes of the value itself: statistics count its header too."""
    header = 1 if known.width <= 127 else 4
    return max(1, known.width - _OVERHEAD.get(kind, header))


def _type(column: Column) -> str:
    return _TYPES.get(column.base_type, "text")


def _why_not(table: Table, index: Index) -> str | None:
    if not index.valid:
        return "it is not valid"
    if None in index.columns:
        return "it is on an expression"
    if index.partial:
        return "it is partial"
    if index.method in _METHODS:
        return None
    if index.method == "gin" and all(
        _type(table.column(name)) == "jsonb" for name in index.columns if name
    ):
        return None
    return f"its method is {index.method}"


def _unique_by(table: Table, index: Index, references: Mapping[str, ForeignKey]) -> str | None:
    """Return the column of a unique index whose values are to be made unique, if one can be."""
    return next(
        (
            name
            for name in index.columns
            if name
            and name not in references
            and _type(table.column(name)) in FRESH_TYPES - {"smallint"}
        ),
        None,
    )


def _stays_unique(
    table: Table, index: Index, references: Mapping[str, ForeignKey], key: str
) -> bool:
    return key in index.columns or _unique_by(table, index, references) is not None


def _index(
    table: Table, index: Index, references: Mapping[str, ForeignKey], key: str
) -> ShapeIndex:
    return ShapeIndex(
        tuple(name for name in index.columns if name),
        index.unique and _stays_unique(table, index, references, key),
        index.method,
    )


def _left_out(
    table: Table,
    references: Mapping[str, ForeignKey],
    kept: tuple[Index, ...],
    key: str,
    statistics: Mapping[str, _Statistics],
) -> Iterator[str]:
    if not statistics:
        yield "the widths of columns: there are no statistics; run ANALYZE, or as its owner"
    for column in table.columns:
        if column.base_type not in _TYPES:
            yield f"column {column.name}: text stands for its type {column.type}"
    for fk in table.foreign_keys:
        if fk.columns[0] not in references or references[fk.columns[0]] != fk:
            yield f"foreign key {fk.name} is left out"
    for index in table.indexes:
        if reason := None if index.primary else _why_not(table, index):
            yield f"index {index.name} is left out: {reason}"
        if index.included:
            yield f"index {index.name} is without its INCLUDE columns"
    for index in kept:
        if index.unique and not _stays_unique(table, index, references, key):
            yield f"index {index.name} is not unique: it consists of references"
    for what, found in (
        ("partitions", table.partitions),
        ("triggers", table.triggers),
        ("checks", table.checks),
    ):
        if found:
            yield f"its {len(found)} {what} are left out"
