"""The tables of a run in its schema: for each kind of key one, with the parents it references.

Further there is `pool`, whose thousand rows hold the values of the columns that are no keys. All
functions return statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import LiteralString
from zlib import crc32

from psycopg import sql

from uuidmig.bench.inserts.kinds import Kind, key_definition
from uuidmig.bench.inserts.shapes import Shape, ShapeColumn, ShapeIndex
from uuidmig.steps.verbatim import verbatim

POOL_ROWS = 1000
POOL_NUMBER = "uuidmig_row"  # no column of a user is called so

# Hex text of `width` bytes that does not compress.
_TEXT = sql.SQL(
    "left((SELECT string_agg(md5({seed} || '/' || chunk), '')"
    " FROM generate_series(1, {chunks}) AS chunk), {width})"
)
_FILLERS: Mapping[str, LiteralString] = {
    "boolean": "{seed} % 2 = 0",
    "smallint": "({seed} % 32767)::smallint",
    "integer": "{seed}",
    "bigint": "{seed}::bigint",
    "real": "({seed} * 1.01)::real",
    "double precision": "{seed} * 1.01::float8",
    "numeric": "{seed} * 1.01",
    "date": "date '2024-01-01' + {seed}",
    "timestamp without time zone": "timestamp '2024-01-01' + {seed} * interval '7001 s'",
    "timestamp with time zone": "timestamptz '2024-01-01Z' + {seed} * interval '7001 s'",
    "uuid": "md5({seed}::text)::uuid",
    "text": "{text}",
    "bytea": "convert_to({text}, 'UTF8')",
    "jsonb": "jsonb_build_object('value', {text})",
    "json": "json_build_object('value', {text})",
}
_FRESH: Mapping[str, LiteralString] = {
    "text": "left(gen_random_uuid()::text || repeat('x', {more}), {width})",
    "uuid": "gen_random_uuid()",
    "smallint": "(random() * 32767)::smallint",
    "integer": "nextval({counter})::integer",
    "bigint": "nextval({counter})",
    "numeric": "nextval({counter})",
    "timestamp without time zone": "clock_timestamp() AT TIME ZONE 'UTC'",
    "timestamp with time zone": "clock_timestamp()",
}
_UUID_TEXT = 36

FILLER_TYPES = frozenset(_FILLERS)
FRESH_TYPES = frozenset(_FRESH)


@dataclass(frozen=True, slots=True)
class Names:
    """What the objects of a run are called."""

    schema: str

    @property
    def pool(self) -> sql.Identifier:
        return sql.Identifier(self.schema, "pool")

    def table(self, kind: Kind) -> sql.Identifier:
        return sql.Identifier(self.schema, kind.name)

    def parent(self, kind: Kind, column: ShapeColumn) -> sql.Identifier:
        """The table that `column` references."""
        # The names of users' columns may be as long as names can be.
        return sql.Identifier(self.schema, f"parents_{kind.name}_{crc32(column.name.encode()):08x}")

    def primary_key(self, kind: Kind) -> sql.Identifier:
        return sql.Identifier(self.schema, f"{kind.name}_pkey")


def create_pool(names: Names, shape: Shape) -> sql.Composed:
    """Return what makes the pool: a row of fillers for each number from 0 on."""
    values = [
        sql.SQL("{} AS {}").format(_filler(column), sql.Identifier(column.name))
        for column in shape.with_role("filler")
    ]
    return sql.SQL("CREATE TABLE {} AS SELECT {} FROM generate_series(0, {}) AS i").format(
        names.pool,
        sql.SQL(", ").join([sql.SQL("i AS {}").format(sql.Identifier(POOL_NUMBER)), *values]),
        sql.Literal(POOL_ROWS - 1),
    )


def _filler(column: ShapeColumn) -> sql.Composable:
    seed = sql.SQL("(i % {})").format(sql.Literal(max(1, min(column.distinct, POOL_ROWS))))
    width = max(1, column.width)
    text = _TEXT.format(seed=seed, chunks=sql.Literal(-(-width // 32)), width=sql.Literal(width))
    value = sql.SQL(_FILLERS[column.type]).format(seed=seed, text=text)
    typed = sql.SQL("({})::{}").format(value, verbatim(column.type))
    if not column.null_share:
        return typed
    # By number, not by chance: the same pool in every run.
    return sql.SQL("CASE WHEN (i * 7919) % {} >= {} THEN {} END").format(
        sql.Literal(POOL_ROWS), sql.Literal(round(column.null_share * POOL_ROWS)), typed
    )


def create_table(names: Names, shape: Shape, kind: Kind, version: int) -> sql.Composed:
    """Return what makes the table of a kind, without any index. Autovacuum stays away from it."""
    columns = [
        sql.SQL("{} {} {}").format(
            sql.Identifier(column.name),
            _definition(names, column, kind, version),
            sql.SQL("NOT NULL" if column.name in shape.primary_key else ""),
        )
        for column in shape.columns
    ]
    return sql.SQL(
        "CREATE TABLE {} ({}) WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)"
    ).format(names.table(kind), sql.SQL(", ").join(columns))


def _definition(names: Names, column: ShapeColumn, kind: Kind, version: int) -> sql.Composable:
    match column.role:
        case "key":
            return key_definition(kind, names.schema, version)
        case "reference":
            return verbatim("bigint" if column.fixed_type else kind.type)
        case "filler":
            return verbatim(column.type)
        case "now":
            return sql.SQL("{} DEFAULT clock_timestamp()").format(verbatim(column.type))
        case _:
            return sql.SQL("{} DEFAULT {}").format(verbatim(column.type), _fresh(names, column))


def _fresh(names: Names, column: ShapeColumn) -> sql.Composable:
    counter = sql.Identifier(names.schema, "counter").as_string()
    width = max(_UUID_TEXT, column.width)
    return sql.SQL(_FRESH[column.type]).format(
        counter=sql.Literal(counter),
        width=sql.Literal(width),
        more=sql.Literal(width - _UUID_TEXT),
    )


def create_indexes(names: Names, shape: Shape, kind: Kind) -> Iterator[sql.Composed]:
    """Yield the primary key and the other indexes."""
    yield sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY ({})").format(
        names.table(kind),
        sql.Identifier(f"{kind.name}_pkey"),
        _list(shape.primary_key),
    )
    for index in shape.indexes:
        yield _create_index(names, index, kind)


def _create_index(names: Names, index: ShapeIndex, kind: Kind) -> sql.Composed:
    return sql.SQL("CREATE {} INDEX ON {} USING {} ({})").format(
        sql.SQL("UNIQUE" if index.unique else ""),
        names.table(kind),
        sql.Identifier(index.method),
        _list(index.columns),
    )


def create_parent(names: Names, column: ShapeColumn, kind: Kind, version: int) -> sql.Composed:
    """Return what makes the table that `column` references: a key, and the rows' numbers."""
    key: sql.Composable = sql.SQL("bigint")
    if not column.fixed_type:
        key = key_definition(kind, names.schema, version)
    return sql.SQL("CREATE TABLE {} (id {} PRIMARY KEY, n bigint UNIQUE)").format(
        names.parent(kind, column), key
    )


def add_foreign_key(names: Names, column: ShapeColumn, kind: Kind) -> sql.Composed:
    """Return what makes the reference one that the server checks."""
    return sql.SQL("ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {}").format(
        names.table(kind), sql.Identifier(column.name), names.parent(kind, column)
    )


def _list(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
