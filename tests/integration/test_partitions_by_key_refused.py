"""Partitioned by a key: what stands against rows that change their partition is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from tests.servers import TestDatabase
from uuidmig import (
    PlanOptions,
    make_plan,
    migrate,
)
from uuidmig.errors import PreflightRefused

Connection = psycopg.Connection[Any]


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True, application_name="uuidmig:test") as connection:
        yield connection


KEYED: LiteralString = (
    "create table t (id uuid default gen_random_uuid() primary key, a int, b int) partition by {}"
)


BY_HASH: LiteralString = """
create table t (id uuid default gen_random_uuid(), a int, b int, primary key (id{more}))
    partition by hash (id);
create table t_0 partition of t for values with (modulus 2, remainder 0){below};
"""


ANOTHER: LiteralString = (
    "create table t_1 partition of t for values with (modulus 2, remainder 1){below};"
)


REFUSED: dict[str, tuple[str, str, str, LiteralString]] = {
    "range": (
        "partitioned-by-key",
        "public.t.id",
        "bounds of its partitions are keys",
        "create table t (id uuid default gen_random_uuid() primary key) partition by range (id);"
        "create table t_0 partition of t for values from (minvalue) to"
        " ('80000000-0000-0000-0000-000000000000'); create table t_1 partition of t default",
    ),
    "list": (
        "partitioned-by-key",
        "public.t.id",
        "bounds of its partitions are keys",
        "create table t (id uuid default gen_random_uuid() primary key) partition by list (id);"
        "create table t_0 partition of t for values in ('fe8c6b4c-7a3f-4f0a-9d3f-3f1f0e3f9d11')",
    ),
    "below": (
        "partitioned-by-key",
        "public.t_0.id",
        "RANGE",
        "create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))"
        " partition by list (a);"
        "create table t_0 partition of t for values in (1) partition by range (id);"
        "create table t_0_0 partition of t_0 for values from (minvalue) to (maxvalue)",
    ),
    "expression": (
        "partitioned-by-key",
        'public.t.a"b',
        "bounds of its partitions are keys",
        'create table t ("a""b" uuid default gen_random_uuid() primary key)'
        ' partition by list ("a""b"); create table t_0 partition of t for values in (null)',
    ),
    "no partition": (
        "missing-partition",
        "public.t",
        "remainder 1, 3 of 4",
        "create table t (id uuid default gen_random_uuid() primary key) partition by hash (id);"
        "create table t_0 partition of t for values with (modulus 4, remainder 0);"
        "create table t_2 partition of t for values with (modulus 4, remainder 2)",
    ),
    "another tree": (
        "missing-partition",
        "public.t_1",
        "its partitions are not those of public.t_0",
        "create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))"
        " partition by hash (id);"
        "create table t_0 partition of t for values with (modulus 2, remainder 0)"
        " partition by range (a);"
        "create table t_1 partition of t for values with (modulus 2, remainder 1)"
        " partition by range (a);"
        "create table t_0_1 partition of t_0 for values from (0) to (10);"
        "create table t_0_2 partition of t_0 for values from (10) to (20);"
        "create table t_1_1 partition of t_1 for values from (0) to (10)",
    ),
}


TWO: LiteralString = (
    "create table t (id uuid default gen_random_uuid() primary key, a int, b int)"
    " partition by hash (id);"
    "create table t_0 partition of t for values with (modulus 2, remainder 0);"
    "create table t_1 partition of t for values with (modulus 2, remainder 1);"
)


OWN_RULES: dict[str, tuple[str, LiteralString]] = {
    "check": ("constraint few", "alter table t_0 add constraint few check (a < 99)"),
    "not valid": ("constraint few", "alter table t_0 add constraint few check (a < 1) not valid"),
    "unique": ("unique index once", "create unique index once on t_1 (a)"),
    "exclusion": ("unique index once", "alter table t_1 add constraint once exclude (a with =)"),
    "not null": ("NOT NULL of b", "alter table t_1 alter b set not null"),
    "unlogged": ("some partitions are UNLOGGED", "alter table t_1 set unlogged"),
}


def refusals(database: TestDatabase) -> list[tuple[str, str, str]]:
    with pytest.raises(PreflightRefused):
        migrate(database.dsn)
    plan = make_plan(database.dsn, PlanOptions())
    assert all(hazard.remedy for hazard in plan.refusals)
    return [(hazard.code, hazard.object, hazard.message) for hazard in plan.refusals]


@pytest.mark.parametrize("case", REFUSED)
def test_refused(database: TestDatabase, owner: Connection, case: str) -> None:
    code, name, message, schema = REFUSED[case]
    owner.execute(schema)
    found = refusals(database)
    assert [each[:2] for each in found] == [(code, name)]
    assert message in found[0][2]


@pytest.mark.parametrize("case", OWN_RULES)
def test_rules_of_one_partition_are_refused(
    database: TestDatabase, owner: Connection, case: str
) -> None:
    message, change = OWN_RULES[case]
    owner.execute(TWO)
    owner.execute("insert into t (a, b) select n, n from generate_series(10, 40) n")
    owner.execute(change)
    ((code, name, told),) = refusals(database)
    assert code == "partition-differs"
    assert name in ("public.t", "public.t_0", "public.t_1")
    assert message in told


def test_a_changed_generation_expression_is_refused(
    database: TestDatabase, owner: Connection
) -> None:
    if database.server.version < 16:
        pytest.skip("no partition has another one before PostgreSQL 16")
    owner.execute(
        "create table t (id uuid default gen_random_uuid() primary key, a int,"
        " b int generated always as (a + 1) stored) partition by hash (id);"
        "create table t_0 partition of t for values with (modulus 2, remainder 0);"
        "create table t_1 (id uuid not null, a int, b int generated always as (a + 2) stored);"
        "alter table t attach partition t_1 for values with (modulus 2, remainder 1)"
    )
    ((code, name, told),) = refusals(database)
    assert (code, name) == ("partition-differs", "public.t_1")
    assert "what generates b" in told
