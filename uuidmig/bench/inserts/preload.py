"""Fills the tables before the first round, so that their indexes are as age would have left them.

Random keys must come in random order, or the index is not the one that years of inserts make. In
an index larger than memory each would cost a disk read, and millions of them hours. So all but a
few come part by part of the key space, in random order within a part, whose pages fit in memory:
every page is split by random keys, as it would have been. The few that come first, from the whole
key space, see to it that no part lies at the right end of the index, where splits are uneven.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random

import psycopg
from psycopg import sql

from uuidmig.bench.inserts.kinds import Kind, new_key_call, ordered_key, random_key
from uuidmig.bench.inserts.shapes import Shape, ShapeColumn
from uuidmig.bench.inserts.spec import INDEX_BYTES_PER_ROW, Spec
from uuidmig.bench.inserts.tables import (
    POOL_NUMBER,
    POOL_ROWS,
    Names,
    add_foreign_key,
    create_indexes,
    create_parent,
    create_table,
)

CHILDREN_PER_PARENT = 4
NEW_PARENTS_SHARE = 0.1
"""The share of parents, the newest, that the rows of the rounds reference; loaded rows do not."""

_CHUNK = 250_000
_FIRST_SHARE = 0.01
_PART_OF_BUFFERS = 8  # a part's pages take at most this fraction of shared_buffers

# ORDER BY: a join may return rows in any order, and the order is what this is about.
_FILL = sql.SQL(
    "INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series({first}, {last}) AS i"
    " JOIN {pool} AS pool ON pool.{number} = i % {pool_rows} {parents} ORDER BY i"
)
_JOIN = sql.SQL("JOIN {parent} AS {alias} ON {alias}.n = 1 + (i - 1)::bigint * {parents} / {rows}")
_FILL_PARENTS = sql.SQL(
    "INSERT INTO {parent} (id, n) SELECT {key}, i FROM generate_series({first}, {last}) AS i"
)


def parents(rows: int) -> int:
    """Return how many parents there are to a table with so many rows loaded."""
    return max(POOL_ROWS, rows // CHILDREN_PER_PARENT)


def old_parents(rows: int) -> int:
    """Return how many of them loaded rows reference; their numbers are 1 to this."""
    return round(parents(rows) * (1 - NEW_PARENTS_SHARE))


def load_table(
    connection: psycopg.Connection[tuple[object, ...]],
    names: Names,
    spec: Spec,
    kind: Kind,
    rows: int,
    shared_buffers: int,
    stop: threading.Event,
) -> None:
    """Create the table of a kind with its parents and fill them; minutes for many million rows.

    Ends early, between two statements, when `stop` is set.
    """
    version = connection.info.server_version
    for statement in _statements(names, spec, kind, rows, shared_buffers, version):
        if stop.is_set():
            return
        connection.execute(statement)


def _statements(
    names: Names, spec: Spec, kind: Kind, rows: int, shared_buffers: int, version: int
) -> Iterator[sql.Composed]:
    shape = spec.shape
    references = shape.with_role("reference")
    for column in references:
        yield create_parent(names, column, kind, version)
        yield from _fill_parents(names, column, kind, rows, version)
        yield sql.SQL("VACUUM ANALYZE {}").format(names.parent(kind, column))
    yield create_table(names, shape, kind, version)
    if spec.grown:
        yield from create_indexes(names, shape, kind)
    yield from _fill(names, spec, kind, rows, shared_buffers)
    if not spec.grown:
        yield from create_indexes(names, shape, kind)
    for column in references:
        yield add_foreign_key(names, column, kind)
    if kind.new == "identity":
        yield sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), {})").format(
            sql.Literal(names.table(kind).as_string()),
            sql.Literal(shape.key.name),
            sql.Literal(max(1, rows)),
        )
    # No VACUUM: inserts never look at the rows that are there.
    yield sql.SQL("ANALYZE {}").format(names.table(kind))


def _fill_parents(
    names: Names, column: ShapeColumn, kind: Kind, rows: int, version: int
) -> Iterator[sql.Composed]:
    old, total = old_parents(rows), parents(rows)
    number = sql.SQL("i")
    made = number if column.fixed_type else new_key_call(kind, names.schema, version)
    for key, first, last in (
        (number if column.fixed_type else _old_key(kind, old), 1, old),
        (number if kind.new == "identity" else made, old + 1, total),
    ):
        yield _FILL_PARENTS.format(
            parent=names.parent(kind, column),
            key=key,
            first=sql.Literal(first),
            last=sql.Literal(last),
        )


def _old_key(kind: Kind, rows: int, part: int = 0, parts: int = 1) -> sql.Composable:
    match kind.old:
        case "identity":
            return sql.SQL("i")
        case "uuid4":
            return random_key(part, parts)
        case _:
            return ordered_key(sql.SQL("i"), rows)


def _fill(
    names: Names, spec: Spec, kind: Kind, rows: int, shared_buffers: int
) -> Iterator[sql.Composed]:
    done = 0
    for part, parts, count in _portions(spec, kind, rows, shared_buffers):
        key = _old_key(kind, rows, part, parts)
        for first in range(done + 1, done + count + 1, _CHUNK):
            last = min(first + _CHUNK - 1, done + count)
            yield _insert(names, spec.shape, kind, key, (first, last), rows)
        done += count


def _portions(
    spec: Spec, kind: Kind, rows: int, shared_buffers: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (part of the key space, number of parts, rows), in the order to insert them."""
    parts = _PART_OF_BUFFERS * rows * INDEX_BYTES_PER_ROW // shared_buffers + 1
    if kind.old != "uuid4" or not spec.grown or parts == 1:
        yield 0, 1, rows
        return
    first = round(rows * _FIRST_SHARE)
    yield 0, 1, first
    order = list(range(parts))
    Random(spec.seed).shuffle(order)
    for turn, part in enumerate(order):
        rest = rows - first
        yield part, parts, rest * (turn + 1) // parts - rest * turn // parts


def _insert(
    names: Names,
    shape: Shape,
    kind: Kind,
    key: sql.Composable,
    between: tuple[int, int],
    rows: int,
) -> sql.Composed:
    sent = shape.with_role("key", "filler", "reference")
    references = shape.with_role("reference")
    joins = [
        _JOIN.format(
            parent=names.parent(kind, column),
            alias=_alias(references.index(column)),
            parents=sql.Literal(old_parents(rows)),
            rows=sql.Literal(rows),
        )
        for column in references
    ]
    values = [
        key
        if column.role == "key"
        else sql.SQL("{}.id").format(_alias(references.index(column)))
        if column.role == "reference"
        else sql.Identifier("pool", column.name)
        for column in sent
    ]
    return _FILL.format(
        table=names.table(kind),
        columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in sent),
        values=sql.SQL(", ").join(values),
        first=sql.Literal(between[0]),
        last=sql.Literal(between[1]),
        pool=names.pool,
        number=sql.Identifier(POOL_NUMBER),
        pool_rows=sql.Literal(POOL_ROWS),
        parents=sql.SQL(" ").join(joins),
    )


def _alias(number: int) -> sql.Identifier:
    return sql.Identifier(f"parent{number}")
