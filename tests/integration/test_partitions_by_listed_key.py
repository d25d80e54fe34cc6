"""Tables partitioned by LIST of a key: the bounds become the new keys, rows stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from tests.servers import TestDatabase
from uuidmig import (
    PlanOptions,
    RunOptions,
    abort,
    cutover,
    finish,
    make_plan,
    migrate,
    rollback,
)
from uuidmig.errors import PreflightRefused, SchemaDrift
from uuidmig.planner.model import SoftReference

Connection = psycopg.Connection[Any]

TO_VERIFIED = RunOptions(cutover="manual")

FIRST = UUID("a0000000-0000-4000-8000-00000000000a")
SECOND = UUID("b0000000-0000-4000-8000-00000000000b")
NOBODY = UUID("c0000000-0000-4000-8000-00000000000c")

SCHEMA: LiteralString = """
create table tenants (id uuid primary key, created_at timestamptz not null);
insert into tenants values
    ('a0000000-0000-4000-8000-00000000000a', '2021-02-03 04:05:06.789012+00'),
    ('b0000000-0000-4000-8000-00000000000b', '2022-02-03 04:05:06+00'),
    ('d0000000-0000-4000-8000-00000000000d', '2022-02-04 04:05:06+00');
create table orders (
    tenant_id uuid not null references tenants on update cascade,
    id uuid not null default gen_random_uuid(), n int not null,
    created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id)
) partition by list (tenant_id);
create table orders_a partition of orders for values in ('a0000000-0000-4000-8000-00000000000a');
create table orders_b partition of orders for values in (
    'b0000000-0000-4000-8000-00000000000b', 'c0000000-0000-4000-8000-00000000000c');
create table orders_rest partition of orders default;
insert into orders (tenant_id, n) select id, n from tenants, generate_series(1, 300) n;
"""


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True, application_name="uuidmig:test") as connection:
        connection.execute(SCHEMA)
        yield connection


def bounds(owner: Connection) -> dict[str, str]:
    return dict(
        owner.execute(
            "select relname, pg_get_expr(relpartbound, oid) from pg_class"
            " where relnamespace = 'public'::regnamespace and relispartition and relkind = 'r'"
        ).fetchall()
    )


def places(owner: Connection) -> list[tuple[int, str]]:
    """Return in which partition which row lies."""
    return owner.execute("select n, tableoid::regclass::text from orders order by 1, 2").fetchall()


def listed(*keys: UUID) -> str:
    return "FOR VALUES IN (" + ", ".join(f"'{key}'" for key in keys) + ")"


def new_key(owner: Connection, key: UUID) -> UUID:
    """Return the key of the tenant that had `key`: the last 8 bytes stay."""
    row = owner.execute(
        "select id from tenants where right(id::text, 17) = right(%s::text, 17)", [key]
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


@pytest.mark.parametrize("grace", [True, False])
def test_there_and_back_and_there_for_good(
    database: TestDatabase, owner: Connection, grace: bool
) -> None:
    options = PlanOptions(grace=grace)
    before, old = places(owner), bounds(owner)
    told = [h for h in make_plan(database.dsn, options).hazards if "bounds" in h.code]
    assert [(h.severity, h.object) for h in told] == [("warning", "public.orders")]

    migrate(database.dsn, options)
    first, second = new_key(owner, FIRST), new_key(owner, SECOND)
    assert str(first) == "01776610-b465-7031-8000-00000000000a", "2021-02-03 04:05:06.789012"
    remembered = (FIRST,) if grace else ()
    assert places(owner) == before
    assert bounds(owner) == {
        "orders_a": listed(first, *remembered),
        "orders_b": listed(second, NOBODY, *((SECOND,) if grace else ())),
        "orders_rest": "DEFAULT",
    }
    owner.execute("insert into orders (tenant_id, n) values (%s, 1001)", [first])
    if grace:  # it is chosen by the old key, and translated there
        owner.execute("insert into orders (tenant_id, n) values (%s, 1002)", [FIRST])
        found = owner.execute("select tenant_id from orders_a where n = 1002").fetchall()
        assert found == [(first,)]
    owner.execute("update orders set tenant_id = %s where n = 7", [second])
    since = places(owner)

    rollback(database.dsn)
    assert bounds(owner) == old
    assert places(owner) == since
    assert owner.execute("select distinct tenant_id from orders_a").fetchall() == [(FIRST,)]

    migrate(database.dsn, options)
    finish(database.dsn)
    assert places(owner) == since
    assert bounds(owner)["orders_a"] == listed(first, *remembered)


@pytest.mark.parametrize("default", [True, False])
def test_a_key_that_would_become_another_one_stops_the_cutover(
    database: TestDatabase, owner: Connection, default: bool
) -> None:
    """Its rows lie in the DEFAULT partition then, and nobody would miss them; without one the
    replay finds no partition for them."""
    if not default:
        owner.execute("delete from orders where tenant_id not in (%s, %s)", [FIRST, SECOND])
        owner.execute("drop table orders_rest")
    migrate(database.dsn, run_options=TO_VERIFIED)
    owner.execute(
        "update tenants set created_at = created_at + interval '1 day' where id = %s", [FIRST]
    )
    owner.execute("update orders set n = n where tenant_id = %s", [FIRST])
    with pytest.raises(
        SchemaDrift, match=f"key {FIRST}, by which partition public.orders_a is chosen"
    ):
        cutover(database.dsn)
    abort(database.dsn)
    before = places(owner)
    migrate(database.dsn)
    assert places(owner) == before


def test_a_listed_key_that_comes_to_life_stops_the_cutover(
    database: TestDatabase, owner: Connection
) -> None:
    migrate(database.dsn, run_options=TO_VERIFIED)
    owner.execute("insert into tenants values (%s, '2020-01-01')", [NOBODY])
    owner.execute("insert into orders (tenant_id, n) values (%s, 5000)", [NOBODY])
    with pytest.raises(
        SchemaDrift, match=f"key {NOBODY}, by which partition public.orders_b is chosen"
    ):
        cutover(database.dsn)
    abort(database.dsn)
    migrate(database.dsn)
    assert (5000, "orders_b") in places(owner)


def test_a_tenant_and_its_partition_that_come_after_the_cutover(
    database: TestDatabase, owner: Connection
) -> None:
    migrate(database.dsn)
    owner.execute(
        "insert into tenants values ('f0000000-0000-4000-8000-00000000000f', now());"
        "create table orders_new partition of orders"
        " for values in ('f0000000-0000-4000-8000-00000000000f');"
        "insert into orders (tenant_id, n) values ('f0000000-0000-4000-8000-00000000000f', 1)"
    )
    with pytest.raises(SchemaDrift, match="new: orders_new"):
        rollback(database.dsn)
    finish(database.dsn)
    assert owner.execute("select count(*) from orders_new").fetchone() == (1,)


REFUSED: dict[str, tuple[str, LiteralString]] = {
    "unchecked": (
        "no foreign key makes sure",
        "create table t (id uuid primary key default gen_random_uuid());"
        "create table u (t_id uuid, o_id uuid, k int, primary key (k, t_id),"
        " foreign key (t_id, o_id) references orders (tenant_id, id)) partition by list (t_id);"
        "create table u_1 partition of u for values in ('a0000000-0000-4000-8000-00000000000a')",
    ),
    "forced": (
        "row security is forced on public.tenants",
        "alter table tenants enable row level security, force row level security;"
        "create policy everybody on tenants using (true)",
    ),
}


def test_a_soft_reference_is_refused(database: TestDatabase, owner: Connection) -> None:
    """What it lists may be no key, and here is none."""
    owner.execute(
        "create table notes (about text not null, k int, primary key (about, k))"
        " partition by list (about);"
        "create table notes_x partition of notes for values in ('none')"
    )
    options = PlanOptions(soft_references=(SoftReference("notes.about", "tenants.id"),))
    with pytest.raises(PreflightRefused, match=r"tells the rows of public\.notes apart"):
        migrate(database.dsn, options)


@pytest.mark.parametrize("case", REFUSED)
def test_refused(database: TestDatabase, owner: Connection, case: str) -> None:
    message, schema = REFUSED[case]
    owner.execute(schema)
    with pytest.raises(PreflightRefused, match=message):
        migrate(database.dsn)
    assert bounds(owner)["orders_a"] == listed(FIRST)
