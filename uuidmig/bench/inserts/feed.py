"""What the clients send, made before the clock runs: binary parameters, or lines of COPY."""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from uuidmig.bench.inserts.kinds import Kind
from uuidmig.bench.inserts.preload import old_parents, parents
from uuidmig.bench.inserts.shapes import ShapeColumn
from uuidmig.bench.inserts.spec import CLIENT_KEYS_PER_SECOND, Spec
from uuidmig.bench.inserts.tables import POOL_NUMBER, POOL_ROWS, Names
from uuidmig.errors import ConfigurationError
from uuidmig.keys.generate import uuid7
from uuidmig.steps.verbatim import verbatim

_VARIATIONS = 64
"""How many batches with other references there are; the clients send them in turn."""

_UUID_OID = 2950

_FILLERS = sql.SQL(
    "FROM generate_series(0, {last}) AS i JOIN {pool} AS pool ON pool.{number} = i % {pool_rows}"
)
_REFERENCES = sql.SQL(
    "FROM (SELECT {first} + floor(random() * {count})::bigint AS n FROM generate_series(1, {rows})"
    " OFFSET 0) AS chosen JOIN {parent} AS parent USING (n)"  # OFFSET 0: choose once a row
)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """One statement's data: binary `parameters` of an INSERT, or the `lines` of a COPY."""

    parameters: tuple[bytes | None, ...] = ()
    lines: bytes = b""


@dataclass(slots=True)
class Feed:
    """Batches for all clients of a turn, in the order in which they were made.

    Clients take the next one in turn, as keys are made in turn in a live application: batches that
    each client had made ahead for itself would not arrive in the order of their keys.
    """

    batches: deque[Batch]
    endless: bool
    left: float = float("inf")
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> Batch | None:
        """Return the next batch; None when there is no more."""
        with self.lock:
            if self.left <= 0 or not self.batches:
                return None
            self.left -= 1
            batch = self.batches.popleft()
            if self.endless:
                self.batches.append(batch)
            return batch

    def spare(self) -> Batch:
        """Return a batch to insert besides the turn; no client gets the keys in it."""
        return self.batches[0] if self.endless else self.batches.pop()


def sent_columns(spec: Spec, kind: Kind) -> tuple[ShapeColumn, ...]:
    """Return the columns that the clients give values for, in the order of the parameters."""
    key = spec.shape.with_role("key") if client_makes_keys(spec, kind) else ()
    return (*spec.shape.with_role("filler"), *spec.shape.with_role("reference"), *key)


def client_makes_keys(spec: Spec, kind: Kind) -> bool:
    """Return whether the client sends keys; those of bigint come from the server always."""
    return spec.keys == "client" and kind.new != "identity"


def statement(names: Names, spec: Spec, kind: Kind) -> sql.Composed:
    """Return what the clients run: INSERT with a parameter a column, or COPY FROM STDIN.

    ConfigurationError for COPY of no column.
    """
    columns = sent_columns(spec, kind)
    named = columns or (spec.shape.key,)
    listed = sql.SQL(", ").join(sql.Identifier(column.name) for column in named)
    table = names.table(kind)
    if spec.copy:
        if not columns:
            raise ConfigurationError(
                "--copy: every column has a default, so clients have nothing to send; say"
                " --keys client"
            )
        return sql.SQL("COPY {} ({}) FROM STDIN").format(table, listed)
    if not columns:
        return sql.SQL("INSERT INTO {} SELECT FROM generate_series(1, {})").format(
            table, sql.Literal(spec.batch)
        )
    places = [
        sql.SQL("${}::{}").format(
            sql.SQL("").join([verbatim(str(place))]),
            verbatim(_type(column, kind) + ("[]" if spec.batch > 1 else "")),
        )
        for place, column in enumerate(columns, 1)
    ]
    template = (
        sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})")
        if spec.batch > 1
        else sql.SQL("INSERT INTO {} ({}) VALUES ({})")
    )
    return template.format(table, listed, sql.SQL(", ").join(places))


def make_feed(connection: Connection, names: Names, spec: Spec, kind: Kind, rows: int) -> Feed:
    """Return the batches of one turn; `rows` are those that were loaded into the table."""
    make = _copied if spec.copy else _inserted
    references = spec.shape.with_role("reference")
    variations = [
        make(connection, names, spec, kind, rows) for _ in range(_VARIATIONS if references else 1)
    ]
    left = float("inf") if spec.rows is None else -(-spec.rows // spec.batch)
    if not client_makes_keys(spec, kind):
        return Feed(deque(variations), True, left)
    ahead = min(left, -(-spec.seconds * CLIENT_KEYS_PER_SECOND // spec.batch))
    keyed = _with_keys(variations, spec, kind, int(ahead) + 1)  # one to spare
    return Feed(deque(keyed), False, left)


def _inserted(connection: Connection, names: Names, spec: Spec, kind: Kind, rows: int) -> Batch:
    fillers, references = spec.shape.with_role("filler"), spec.shape.with_role("reference")
    values = _binary(connection, _columns(fillers), _filler_rows(names, spec), spec)
    for column in references:
        source = _reference_rows(names, spec, kind, column, rows)
        values += _binary(connection, [sql.Identifier("parent", "id")], source, spec)
    return Batch(values)


def _binary(
    connection: Connection, columns: Sequence[sql.Composable], rows: sql.Composable, spec: Spec
) -> tuple[bytes | None, ...]:
    """Return each column's values as the server writes them in binary: an array, or one value."""
    if not columns:
        return ()
    shown = [sql.SQL("array_agg({})").format(column) for column in columns]
    chosen = sql.SQL(", ").join(shown if spec.batch > 1 else columns)
    cursor = connection.execute(sql.SQL("SELECT {} {}").format(chosen, rows), binary=True)
    result = cursor.pgresult
    assert result is not None
    return tuple(result.get_value(0, number) for number in range(len(columns)))


def _copied(connection: Connection, names: Names, spec: Spec, kind: Kind, rows: int) -> Batch:
    fillers, references = spec.shape.with_role("filler"), spec.shape.with_role("reference")
    columns = [_lines(connection, _columns(fillers), _filler_rows(names, spec))] if fillers else []
    for column in references:
        source = _reference_rows(names, spec, kind, column, rows)
        columns.append(_lines(connection, [sql.Identifier("parent", "id")], source))
    lines = [b"\t".join(line) for line in zip(*columns, strict=True)]
    return Batch(lines=b"".join(line + b"\n" for line in lines))


def _lines(
    connection: Connection, columns: Sequence[sql.Composable], rows: sql.Composable
) -> list[bytes]:
    query = sql.SQL("COPY (SELECT {} {}) TO STDOUT").format(sql.SQL(", ").join(columns), rows)
    with connection.cursor().copy(query) as copy:
        return b"".join(map(bytes, copy)).splitlines()


def _columns(columns: Sequence[ShapeColumn]) -> list[sql.Composable]:
    return [sql.Identifier("pool", column.name) for column in columns]


def _filler_rows(names: Names, spec: Spec) -> sql.Composed:
    return _FILLERS.format(
        last=sql.Literal(spec.batch - 1),
        pool=names.pool,
        number=sql.Identifier(POOL_NUMBER),
        pool_rows=sql.Literal(POOL_ROWS),
    )


def _reference_rows(
    names: Names, spec: Spec, kind: Kind, column: ShapeColumn, rows: int
) -> sql.Composed:
    first = old_parents(rows)
    return _REFERENCES.format(
        first=sql.Literal(first + 1),
        count=sql.Literal(parents(rows) - first),
        rows=sql.Literal(spec.batch),
        parent=names.parent(kind, column),
    )


def _with_keys(variations: Sequence[Batch], spec: Spec, kind: Kind, count: int) -> Iterator[Batch]:
    make = uuid4 if kind.new == "uuid4" else uuid7
    for number in range(count):
        batch = variations[number % len(variations)]
        keys = [make() for _ in range(spec.batch)]
        if spec.copy:
            yield Batch(lines=_keyed_lines(batch.lines, keys))
        else:
            yield Batch((*batch.parameters, _binary_keys(keys)))


def _keyed_lines(lines: bytes, keys: Sequence[UUID]) -> bytes:
    if not lines:
        return "".join(f"{key}\n" for key in keys).encode()
    rows = zip(lines.splitlines(), keys, strict=True)
    return b"".join(b"%b\t%b\n" % (line, str(key).encode()) for line, key in rows)


def _binary_keys(keys: Sequence[UUID]) -> bytes:
    """Return the keys as PostgreSQL's binary uuid[]; a single one as its 16 bytes."""
    if len(keys) == 1:
        return keys[0].bytes
    head = struct.pack("!iiIii", 1, 0, _UUID_OID, len(keys), 1)
    return head + b"".join(b"\x00\x00\x00\x10" + key.bytes for key in keys)


def _type(column: ShapeColumn, kind: Kind) -> str:
    if column.role == "key":
        return kind.type
    if column.role == "reference":
        return "bigint" if column.fixed_type else kind.type
    return column.type
