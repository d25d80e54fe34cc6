"""The hash sum of a table's rows: equal on both sides, and every change of a row changes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import pytest
from psycopg import sql

from tests.servers import TestServer, fresh_database
from tests.steps_driver import Migration
from uuidmig.planner.model import ClosureTable
from uuidmig.steps import comparing


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of two columns side by side, and different values for them."""

    name: LiteralString
    type: LiteralString
    values: tuple[str | None, ...]
    not_null: bool = True

    @property
    def table(self) -> str:
        return f"{self.name}_{'not_null' if self.not_null else 'null'}"


UUIDS = (
    "a3b1c2d4-0001-4abc-8def-000000000001",
    "a3b1c2d4-0002-4abc-8def-000000000002",
    "a3b1c2d4-0002-4abc-8def-000000000003",
)
TYPES = """
create type mood as enum ('sad', 'ok', 'glad');
create type pair as (a int, b text);
create domain label as text check (value <> '');
create domain ticket as uuid;
create domain days as daterange;
"""
NOT_NULL = (
    Kind("uuid", "uuid", UUIDS),
    Kind("text", "text", ("a", "b", "")),
    Kind("varchar", "varchar(20)", ("a", "b", "ab")),
    Kind("int2", "int2", ("0", "1", "-1")),
    Kind("int4", "int4", ("0", "1", "-1")),
    Kind("int8", "int8", ("0", "1", "-9000000000")),
    # The server's hash of a numeric tells nothing of its sign.
    Kind("numeric", "numeric(12,2)", ("0", "1.50", "2.50")),
    Kind("float8", "float8", ("1", "1.5", "-2")),
    Kind("float8_with_zero", "float8", ("0", "1.5", "-2")),
    Kind("float4_with_zero", "float4", ("0", "1.5", "-2")),
    Kind("timestamptz", "timestamptz", ("2024-01-01 00:00+00", "infinity", "1999-01-01 00:00+00")),
    Kind("timestamp", "timestamp", ("2024-01-01", "2024-01-01 00:00:00.000001", "-infinity")),
    Kind("date", "date", ("2024-01-01", "2024-01-02", "1969-12-31")),
    Kind("bool", "bool", ("true", "false")),
    Kind("jsonb", "jsonb", ('{"a": 1}', '{"a": 2}', '{"b": 1}')),
    Kind("jsonb_with_empty", "jsonb", ("{}", '{"a": 1}', "[1, null]")),
    Kind("json", "json", ('{"a": 1}', '{"a":  1}', "[]")),
    Kind("bytea", "bytea", (r"\x", r"\x00", r"\x0000")),
    Kind("int_array", "int[]", ("{}", "{1,2}", "{2,1}")),
    Kind("text_array", "text[]", ("{}", "{a,NULL}", "{NULL,a}")),
    Kind("enum", "mood", ("sad", "ok", "glad")),
    Kind("range", "int4range", ("empty", "[1,5)", "[1,)")),
    Kind("composite", "pair", ("(1,a)", "(2,a)", "(1,)")),
    Kind("domain", "label", ("a", "b", "c")),
    Kind("domain_of_uuid", "ticket", UUIDS),
    Kind("domain_of_range", "days", ("empty", "[2024-01-01,2024-02-01)", "(,)")),
)
NULLABLE = tuple(Kind(k.name, k.type, (*k.values, None), not_null=False) for k in NOT_NULL)
KINDS = (*NOT_NULL, *NULLABLE)
ROWS = 12  # row n: the values n and n + 1 of the kind, around again and again
MINUTE: LiteralString = "timestamptz '2024-01-01 00:00+00' + interval '1 minute' * "

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)


@dataclass(frozen=True, slots=True)
class Copied:
    """A table of one kind of columns and its shadow, equal, not cut over."""

    migration: Migration
    kind: Kind

    @property
    def table(self) -> ClosureTable:
        tables = self.migration.plan.tables
        return next(table for table in tables if table.name.name == self.kind.table)

    def sums(self, side: str) -> tuple[Any, ...]:
        """Return (rows, hash sum, wrong rows) of the side."""
        sums = comparing.source_sums if side == "source" else comparing.shadow_sums
        return self.migration.one(sums(self.migration.plan, self.table, 0, None, by_tail=True))

    @contextmanager
    def changed(self, side: str, change: LiteralString, **values: object) -> Iterator[Any]:
        """Yield the hash sum after a change of the side, which is taken back."""
        rows = self.table.name if side == "source" else self.table.shadow
        literals = {name: sql.Literal(value) for name, value in values.items()}
        query = sql.SQL(change).format(rows=rows.identifier, **literals)
        with self.migration.connection.transaction(force_rollback=True):
            assert self.migration.connection.execute(query).rowcount > 0
            yield self.sums(side)[1]

    def value(self, number: int) -> str | None:
        return self.kind.values[number % len(self.kind.values)]


@pytest.fixture(scope="module")
def migration(server: TestServer) -> Iterator[Migration]:
    with (
        fresh_database(server) as database,
        database.connect(autocommit=True) as owner,
    ):
        owner.execute(TYPES)
        for kind in KINDS:
            create(owner, kind)
        copied = Migration.of(owner)
        copied.prepare()
        copied.copy()
        yield copied


def create(owner: Any, kind: Kind) -> None:
    # Keys, times and order are fixed, so that a test finds on every run what it finds on one.
    names = {"table": sql.Identifier(kind.table), "type": sql.SQL(kind.type)}
    null = sql.SQL("not null" if kind.not_null else "null")
    owner.execute(
        sql.SQL(
            "create table {table} (id uuid primary key default gen_random_uuid(),"
            " created_at timestamptz not null, first {type} {null}, second {type} {null})"
        ).format(null=null, **names)
    )
    insert = sql.SQL(
        "insert into {table} select overlay(overlay(md5({n}::text) placing '4' from 13)"
        " placing '8' from 17)::uuid, {time}{n}, {first}::{type}, {second}::{type}"
    )
    for n in range(ROWS):
        first, second = (kind.values[i % len(kind.values)] for i in (n, n + 1))
        values = {"n": sql.Literal(n), "time": sql.SQL(MINUTE)}
        owner.execute(
            insert.format(first=sql.Literal(first), second=sql.Literal(second), **values, **names)
        )


@pytest.fixture
def copied(migration: Migration, kind: Kind) -> Copied:
    return Copied(migration, kind)


@every_kind
def test_both_sides_agree_after_a_copy(copied: Copied) -> None:
    assert copied.sums("source") == copied.sums("shadow")
    assert copied.sums("source")[0] == ROWS
    copied.migration.check_sums(copied.table)


@every_kind
@pytest.mark.parametrize("side", ["source", "shadow"])
@pytest.mark.parametrize(
    "change",
    [
        "update {rows} set id = overlay(id::text placing 'ff' from 35)::uuid"
        " where created_at = {at}",
        "update {rows} set created_at = created_at + interval '1 ms' where created_at = {at}",
        "delete from {rows} where created_at = {at}",
    ],
    ids=["key", "time", "row"],
)
def test_every_row_counts(copied: Copied, side: str, change: LiteralString) -> None:
    before = copied.sums(side)[1]
    for n in range(ROWS):
        with copied.changed(side, change, at=time_of(n)) as after:
            assert after != before, n


@every_kind
def test_the_time_in_a_new_key_counts(copied: Copied) -> None:
    """That of an old key does not: the mapping puts another in its place."""
    before = copied.sums("shadow")[1]
    change: LiteralString = (
        "update {rows} set id = overlay(id::text placing 'ff' from 1)::uuid where created_at = {at}"
    )
    for n in range(ROWS):
        with copied.changed("shadow", change, at=time_of(n)) as after:
            assert after != before, n


@every_kind
@pytest.mark.parametrize("side", ["source", "shadow"])
def test_every_value_counts(copied: Copied, side: str) -> None:
    before = copied.sums(side)[1]
    changes: tuple[tuple[LiteralString, int], ...] = (
        ("update {rows} set first = {value} where created_at = {at}", 1),
        ("update {rows} set second = {value} where created_at = {at}", 2),
    )
    for n in range(ROWS):
        for change, offset in changes:
            value = copied.value(n + offset)
            with copied.changed(side, change, value=value, at=time_of(n)) as after:
                assert after != before, (n, value)


@every_kind
def test_the_column_of_a_value_counts(copied: Copied) -> None:
    before = copied.sums("shadow")[1]
    swap: LiteralString = "update {rows} set first = second, second = first where created_at = {at}"
    for n in range(ROWS):
        with copied.changed("shadow", swap, at=time_of(n)) as after:
            assert after != before, n


@every_kind
def test_the_row_of_a_value_counts(copied: Copied) -> None:
    before = copied.sums("shadow")[1]
    swap: LiteralString = (
        "update {rows} as r set first = o.first from {rows} as o where"
        " (r.created_at, o.created_at) in (({one}, {other}), ({other}, {one}))"
    )
    for n in range(ROWS - 1):
        with copied.changed("shadow", swap, one=time_of(n), other=time_of(n + 1)) as after:
            assert after != before, n


@every_kind
def test_the_order_of_the_rows_does_not_count(copied: Copied) -> None:
    connection, rows = copied.migration.connection, copied.table.shadow.identifier
    before = copied.sums("shadow")
    order = sql.SQL("select array_agg(created_at order by ctid) from {}").format(rows)
    turned = sql.SQL(
        "with gone as (delete from {rows} returning *)"
        " insert into {rows} select * from gone order by created_at desc"
    ).format(rows=rows)
    with connection.transaction(force_rollback=True):
        forwards = connection.execute(order).fetchall()
        connection.execute(turned)
        assert connection.execute(order).fetchall() != forwards
        assert copied.sums("shadow") == before


@pytest.mark.parametrize("kind", [k for k in NOT_NULL if k.name == "jsonb"], ids=["jsonb"])
def test_no_value_hides_the_columns_before_it(copied: Copied) -> None:
    array: LiteralString = "update {rows} set first = {old}, second = {long}"
    long = f"[{', '.join(['0'] * 64)}]"
    with (
        copied.changed("shadow", array, old="1", long=long) as before,
        copied.changed("shadow", array, old="2", long=long) as after,
    ):
        assert after != before


def time_of(number: int) -> str:
    return f"2024-01-01 00:{number:02}+00"
