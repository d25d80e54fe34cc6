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
    rollback,
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
    "range: none for 1970": (
        "missing-partition",
        "public.t",
        "none takes those from '00000000-0000-7000-8000-000000000000' on",
        "create table t (id uuid default gen_random_uuid() primary key) partition by range (id);"
        "create table t_0 partition of t for values from ('00000000-0000-7000-8000-000000000001')"
        " to (maxvalue)",
    ),
    "range: a gap": (
        "missing-partition",
        "public.t",
        "none takes those from '018b0000-0000-0000-0000-000000000000' on",
        "create table t (id uuid default gen_random_uuid() primary key) partition by range (id);"
        "create table t_0 partition of t for values from (minvalue)"
        " to ('018b0000-0000-0000-0000-000000000000');"
        "create table t_1 partition of t for values from ('018c0000-0000-0000-0000-000000000000')"
        " to (maxvalue)",
    ),
    "range: before 2039": (
        "missing-partition",
        "public.t",
        "none takes those from '01ffffff-ffff-ffff-ffff-ffffffffffff' on",
        "create table t (id uuid default gen_random_uuid() primary key) partition by range (id);"
        "create table t_0 partition of t for values from (minvalue)"
        " to ('01ffffff-ffff-ffff-ffff-ffffffffffff')",
    ),
    "range: a gap behind the key": (
        "missing-partition",
        "public.t",
        "none takes those from '018b0000-0000-0000-0000-000000000000' on",
        "create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))"
        " partition by range (id, a);"
        "create table t_0 partition of t for values from (minvalue, minvalue)"
        " to ('018b0000-0000-0000-0000-000000000000', 5);"
        "create table t_1 partition of t"
        " for values from ('018b0000-0000-0000-0000-000000000000', 6) to (maxvalue, maxvalue)",
    ),
    "range: the key between others": (
        "partitioned-by-key",
        "public.t.id",
        "its bounds do not tell",
        "create table t (id uuid default gen_random_uuid(), a int, primary key (a, id))"
        " partition by range (a, id); create table t_0 partition of t"
        " for values from (1, '00000000-0000-0000-0000-000000000000') to (2, minvalue)",
    ),
    "range: below another": (
        "missing-partition",
        "public.t_1",
        "none takes those from '00000000-0000-7000-8000-000000000000' on",
        "create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))"
        " partition by range (a);"
        "create table t_0 partition of t for values from (minvalue) to (5) partition by range (id);"
        "create table t_1 partition of t for values from (5) to (9) partition by range (id);"
        "create table t_0_0 partition of t_0 for values from (minvalue)"
        " to ('40000000-0000-0000-0000-000000000000');"
        "create table t_1_0 partition of t_1 for values from"
        " ('40000000-0000-0000-0000-000000000000') to (maxvalue)",
    ),
    "range: another tree": (
        "missing-partition",
        "public.t_1",
        "its partitions are not those of public.t_0",
        "create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))"
        " partition by range (id);"
        "create table t_0 partition of t for values from (minvalue)"
        " to ('40000000-0000-0000-0000-000000000000') partition by list (a);"
        "create table t_1 partition of t for values from ('40000000-0000-0000-0000-000000000000')"
        " to (maxvalue);"
        "create table t_0_1 partition of t_0 for values in (1)",
    ),
}


CARRIED: dict[str, LiteralString] = {
    "a list of keys that no row has": """
        create table t (id uuid default gen_random_uuid() primary key, a int not null)
            partition by list (id);
        create table t_0 partition of t for values in ('fe8c6b4c-7a3f-4f0a-9d3f-3f1f0e3f9d11');
        create table t_1 partition of t default""",
    "one for all others": """
        create table t (id uuid default gen_random_uuid() primary key, a int not null)
            partition by range (id);
        create table t_0 partition of t for values from ('40000000-0000-0000-0000-000000000000')
            to ('80000000-0000-0000-0000-000000000000');
        create table t_1 partition of t default""",
    "all in one": """
        create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))
            partition by list (a);
        create table t_0 partition of t for values in (1, 2) partition by range (id);
        create table t_0_0 partition of t_0 for values from (minvalue) to (maxvalue);
        create table t_1 partition of t default""",
    "to the last bound that must be": """
        create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))
            partition by range (id, a);
        create table t_0 partition of t
            for values from ('00000000-0000-7000-8000-000000000000', minvalue)
            to ('01900000-0000-0000-0000-000000000000', maxvalue);
        create table t_1 partition of t
            for values from ('01900000-0000-0000-0000-000000000000', maxvalue)
            to ('02000000-0000-0000-0000-000000000000', minvalue);
        create table t_2 partition of t
            for values from ('02000000-0000-0000-0000-000000000001', minvalue)
            to (maxvalue, maxvalue)""",
    "a number before the key": """
        create table t (id uuid default gen_random_uuid(), a int, primary key (a, id))
            partition by range (a, id);
        create table t_0 partition of t for values from (0, minvalue)
            to (3, '80000000-0000-0000-0000-000000000000');
        create table t_1 partition of t
            for values from (3, '80000000-0000-0000-0000-000000000000') to (9, maxvalue)""",
    "below others that are split elsewhere": """
        create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))
            partition by range (id);
        create table t_0 partition of t for values from (minvalue)
            to ('40000000-0000-0000-0000-000000000000') partition by range (a);
        create table t_1 partition of t for values from ('40000000-0000-0000-0000-000000000000')
            to (maxvalue) partition by range (a);
        create table t_0_1 partition of t_0 for values from (minvalue) to (3);
        create table t_0_2 partition of t_0 for values from (3) to (maxvalue);
        create table t_1_1 partition of t_1 for values from (minvalue) to (maxvalue)""",
    "hash below range and range below hash": """
        create table t (id uuid default gen_random_uuid(), a int, primary key (id, a))
            partition by hash (id);
        create table t_0 partition of t for values with (modulus 2, remainder 0)
            partition by range (id);
        create table t_1 partition of t for values with (modulus 2, remainder 1);
        create table t_0_1 partition of t_0 for values from (minvalue)
            to ('018b0000-0000-0000-0000-000000000000') partition by hash (id);
        create table t_0_2 partition of t_0 for values from ('018b0000-0000-0000-0000-000000000000')
            to (maxvalue);
        create table t_0_1_0 partition of t_0_1 for values with (modulus 1, remainder 0)""",
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


@pytest.mark.parametrize("case", CARRIED)
def test_carried(database: TestDatabase, owner: Connection, case: str) -> None:
    """There is a partition for every new key: there and back."""
    owner.execute(CARRIED[case])
    owner.execute("create table s (t uuid primary key, a int)")
    if "key (a, id)" not in CARRIED[case] and "key (id, a)" not in CARRIED[case]:
        owner.execute("alter table s add foreign key (t) references t")
    owner.execute("insert into t (a) select n % 5 from generate_series(1, 40) n")
    owner.execute("insert into s select id, a from t")
    keys: LiteralString = "select id::text, a from t order by id"
    before = owner.execute(keys).fetchall()
    migrate(database.dsn)
    now = owner.execute(keys).fetchall()
    assert {key[14] for key, _ in now} == {"7"}
    assert sorted(a for _, a in now) == sorted(a for _, a in before)
    rollback(database.dsn)
    assert owner.execute(keys).fetchall() == before


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
