"""Each kind of object that uuidmig cannot carry over is found, and named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from tests.catalog_tables import read_table
from tests.servers import TestDatabase
from uuidmig.catalog.model import RelationName, Table
from uuidmig.catalog.read import read_catalog

TABLE = """
    create table t (id uuid primary key, n serial, a int, note text);
    create function noop() returns trigger language plpgsql as 'begin return null; end';
    create table o (id uuid primary key, x int);"""

OBJECTS: dict[str, tuple[LiteralString, set[tuple[str, str]]]] = {
    "view with a column of the row type": (
        'create view "The View" as select t, 1 as x from t',
        {("view", 'view public."The View"')},
    ),
    "view with a default that names the table": (
        "create view v as select 1 as x;"
        "alter view v alter x set default length('t'::regclass::text)",
        {("view", "view public.v")},
    ),
    "view of an extension": (
        "create extension btree_gist; create view v as select id from t;"
        "alter extension btree_gist add view v",
        {("view", "view public.v")},
    ),
    "column of the row type of a materialized view": (
        "create materialized view m as select a from t; create table u (x m)",
        {("table column", "table column public.u.x")},
    ),
    "statistics of a materialized view": (
        "create materialized view m as select a, note from t;"
        "create statistics st on a, note from m",
        {("statistics object", "statistics object public.st")},
    ),
    "security label of a materialized view's row type": (
        "create materialized view m as select a from t; insert into pg_seclabel"
        " values ('m'::regtype, 'pg_type'::regclass, 0, 'test', 'x')",
        {("materialized view", "materialized view public.m")},
    ),
    "function that only a superuser can create": (
        "create function f(t) returns int language sql leakproof as 'select 1'",
        {("function", "function public.f(public.t)")},
    ),
    "procedure that depends on an extension": (
        "create extension btree_gist; create procedure f(t[]) language sql as '';"
        "alter procedure f depends on extension btree_gist",
        {("procedure", "procedure public.f(public.t[])")},
    ),
    "aggregate": (
        "create aggregate f(t) (sfunc = array_append, stype = t[])",
        {("aggregate", "aggregate public.f(public.t)")},
    ),
    "operator": (
        "create function f(t, t) returns bool language sql as 'select true';"
        "create operator <~> (leftarg = t, rightarg = t, function = f)",
        {("operator", "operator public.<~>(public.t,public.t)")},
    ),
    "trigger with a condition that must be created again": (
        "create function f(t) returns bool language sql as 'select true';"
        "create trigger c after insert on t for each row when (f(new)) execute function noop()",
        {("trigger", "trigger c on public.t")},
    ),
    "check that calls what must be created again": (
        "create function f(t) returns bool language sql as 'select true';"
        "alter table t add constraint c check (f(t))",
        {("check", "table constraint c on public.t")},
    ),
    "default that calls what must be created again": (
        "create function f(t default null) returns int language sql as 'select 1';"
        "alter table o alter x set default f(null::t)",
        {("default value", "default value for public.o.x")},
    ),
    "index that calls what must be created again": (
        "create function f(t, int) returns int language sql immutable as 'select 1';"
        "create index i on o (f(null::t, x))",
        {("index", "index public.i")},
    ),
    "policy that calls what must be created again": (
        "create function f(t) returns bool language sql as 'select true';"
        "create policy p on o using (f(null::t))",
        {("policy", "policy p on public.o")},
    ),
    "domain": ("create domain d as t", {("domain", "type public.d")}),
    "column of the row type": (
        'create table "User" (x t, y t[])',
        {
            ("table column", 'table column public."User".x'),
            ("table column", 'table column public."User".y'),
        },
    ),
    "composite type": (
        "create type c as (x t)",
        {("composite type column", "composite type column public.c.x")},
    ),
    "default that names the table": (
        "alter table o alter x set default length('t'::regclass::text)",
        {("default value", "default value for public.o.x")},
    ),
    "cast": (
        "create function f(t) returns int language sql as 'select 1';"
        "create cast (t as int) with function f(t)",
        {("cast", "cast (public.t AS integer)")},
    ),
    "shared sequence": (
        "alter table o alter x set default nextval('t_n_seq');"
        "create view counter as select last_value from t_n_seq",
        {
            ("shared sequence", "default value for public.o.x"),
            ("shared sequence", "view public.counter"),
        },
    ),
    "two sequences of a column": (
        "create sequence s owned by t.a; create sequence s2 owned by t.a",
        {("sequence", 'sequence "public"."s2"')},
    ),
    "inheriting table": (
        "create table child () inherits (t)",
        {
            ("inheritance", "table public.child"),
            ("shared sequence", "default value for public.child.n"),
        },
    ),
    "trigger that watches a table of somebody else": (
        "create constraint trigger c after insert on t from o for each row execute function noop();"
        "alter table o owner to postgres",
        {("trigger", "trigger c on public.t")},
    ),
    "foreign key switched off": (
        "alter table t add constraint fk foreign key (id) references o;"
        "set session_replication_role = replica; reset session_replication_role;"
        "alter table t disable trigger all",
        {("foreign key", "table constraint fk on public.t")},
    ),
    "table of an extension": (
        "create extension btree_gist; alter extension btree_gist add table t",
        {("extension", "extension btree_gist")},
    ),
    "trigger that depends on an extension": (
        "create extension btree_gist;"
        "create trigger c after insert on t for each row execute function noop();"
        "alter trigger c on t depends on extension btree_gist",
        {("extension", "trigger c on public.t")},
    ),
}

SINCE_18: dict[str, tuple[LiteralString, set[tuple[str, str]]]] = {
    "foreign key not enforced": (
        "alter table t add constraint fk foreign key (id) references o not enforced",
        {("foreign key", "table constraint fk on public.t")},
    ),
    "foreign key to the table not enforced": (
        "alter table o add constraint fk foreign key (id) references t not enforced",
        {("foreign key", "table constraint fk on public.o")},
    ),
    "temporal key": (
        "create extension btree_gist; alter table t add during tsrange;"
        "alter table t add constraint tk unique (id, during without overlaps)",
        {("temporal key", "table constraint tk on public.t")},
    ),
}


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    """Some of the objects only a superuser can create; the catalog is read as the owner."""
    with database.connect_admin(autocommit=True) as connection:
        yield connection


def read(
    database: TestDatabase, admin: psycopg.Connection[Any], ddl: LiteralString, name: str = "t"
) -> Table:
    admin.execute("set allow_system_table_mods = on")
    admin.execute(TABLE)
    admin.execute(ddl)
    with database.connect(autocommit=True) as owner:
        return read_catalog(owner).table(RelationName("public", name))


def found(table: Table) -> set[tuple[str, str]]:
    """Kind and name, and that each object is there once."""
    pairs = [(item.kind, item.name) for item in table.unsupported]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


@pytest.mark.parametrize("case", OBJECTS)
def test_object(database: TestDatabase, admin: psycopg.Connection[Any], case: str) -> None:
    ddl, expected = OBJECTS[case]
    assert found(read(database, admin, ddl)) == expected


def test_temporary_view(database: TestDatabase, admin: psycopg.Connection[Any]) -> None:
    (item,) = read(database, admin, "create temporary view v as select id from t").unsupported
    assert item.kind == "view"
    assert item.name.startswith("view pg_temp")


@pytest.mark.parametrize("case", SINCE_18)
def test_object_of_18(database: TestDatabase, admin: psycopg.Connection[Any], case: str) -> None:
    if database.server.version < 18:
        pytest.skip("came with PostgreSQL 18")
    ddl, expected = SINCE_18[case]
    assert found(read(database, admin, ddl)) == expected


def test_not_null_constraints_that_a_copy_keeps(
    database: TestDatabase, admin: psycopg.Connection[Any]
) -> None:
    if database.server.version < 18:
        pytest.skip("came with PostgreSQL 18")
    table = read(
        database,
        admin,
        "alter table t add constraint filled not null a no inherit;"
        "comment on constraint filled on t is 'filled'",
    )
    assert (table.unsupported, table.checks) == ((), ())


def test_subscription(database: TestDatabase, admin: psycopg.Connection[Any]) -> None:
    ddl: LiteralString = """
        create subscription "S" connection 'dbname=nowhere' publication p
            with (connect = false, slot_name = none);
        insert into pg_subscription_rel
            select oid, 't'::regclass, 'i' from pg_subscription where subname = 'S'"""
    try:
        assert found(read(database, admin, ddl)) == {("subscription", 'subscription "S"')}
    finally:  # a database with a subscription cannot be dropped
        admin.execute('drop subscription "S"')


PARTITIONED: LiteralString = """
    create table p (id uuid, a int, primary key (id, a)) partition by range (a);
    create table part partition of p for values from (0) to (9);
    create table r (id uuid, a int, constraint r_p foreign key (id, a) references p)"""


def test_partitions(database: TestDatabase, admin: psycopg.Connection[Any]) -> None:
    """A partitioned table is one table with all its partitions."""
    table = read(database, admin, PARTITIONED, "p")
    assert (table.kind, table.partition_key) == ("p", "RANGE (a)")
    (part,) = table.partitions
    assert (part.kind, part.parent, part.bound) == ("r", table.name, "FOR VALUES FROM (0) TO (9)")
    assert [index.parent for index in part.indexes] == ["p_pkey"]
    assert found(table) == found(part) == set()
    with database.connect(autocommit=True) as owner:
        catalog = read_catalog(owner)
    assert part.name not in {one.name for one in catalog.tables}
    assert [key.name for key in catalog.table(RelationName("public", "r")).foreign_keys] == ["r_p"]


PART_ALONE: LiteralString = """
    create table p (id uuid, a int, primary key (id, a)) partition by range (a);
    create table part partition of p for values from (0) to (9);
    create trigger g after insert on p for each row execute function noop();
    {}"""


@pytest.mark.parametrize(
    ("ddl", "expected"),
    [
        (
            "create table r (id uuid, a int, constraint r_p foreign key (id, a) references part)",
            ("partition", "table constraint r_p on public.r"),
        ),
        (
            "alter table part add constraint part_o foreign key (id) references o",
            ("partition", "table constraint part_o on public.part"),
        ),
        ("alter table part disable trigger g", ("trigger", "trigger g on public.part")),
    ],
    ids=["referenced", "references", "trigger"],
)
def test_what_one_partition_has_alone(
    database: TestDatabase,
    admin: psycopg.Connection[Any],
    ddl: LiteralString,
    expected: tuple[str, str],
) -> None:
    (part,) = read(database, admin, PART_ALONE.replace("{}", ddl), "p").partitions
    assert found(part) == {expected}


def test_a_partition_elsewhere(database: TestDatabase, admin: psycopg.Connection[Any]) -> None:
    ddl: LiteralString = """
        create foreign data wrapper nowhere;
        create server far foreign data wrapper nowhere;
        create table p (id uuid, a int) partition by range (a);
        create foreign table part partition of p for values from (0) to (9) server far;"""
    try:
        admin.execute(ddl)
        with database.connect(autocommit=True) as owner:
            table = read_catalog(owner).table(RelationName("public", "p"))
        assert ("foreign table", "foreign table public.part") in found(table)
    finally:
        admin.execute("drop foreign data wrapper nowhere cascade")


def test_the_other_side(database: TestDatabase, admin: psycopg.Connection[Any]) -> None:
    """Inheriting and typed tables know what they hang on."""
    child = read(database, admin, "create table child () inherits (t)", "child")
    assert ("inheritance", "table public.t") in found(child)
    with database.connect(autocommit=True) as owner:
        typed = read_table(owner, "create type c as (x int); create table ty of c", "public.ty")
    assert found(typed) == {("typed table", "type public.c")}


def test_everything_supported_at_once_is_not_reported(
    database: TestDatabase, admin: psycopg.Connection[Any]
) -> None:
    table = read(
        database,
        admin,
        """
        create table i (id int generated always as identity primary key, up int references i,
            b int generated always as (id * 2) stored, c int default nextval('i_id_seq'),
            check (b > 0), exclude using btree (b with =), d text);
        create index on i (lower(d)) where b > 0;
        create statistics st on b, c from i;
        create trigger g after insert on i for each row when (new.b > 1) execute function noop();
        alter table o add foreign key (x) references i on delete cascade;
        create table uuid_user (i int references i)""",
        "i",
    )
    assert table.unsupported == ()


def test_our_own_objects_are_not_reported(
    database: TestDatabase, admin: psycopg.Connection[Any]
) -> None:
    table = read(
        database,
        admin,
        """
        create schema uuidmig; comment on schema uuidmig is 'uuidmig';
        create view uuidmig.id_map as select id from t;
        create function uuidmig.f(t) returns int language sql begin atomic select 1; end;
        create table uuidmig.shadow (n int default nextval('public.t_n_seq'),
            id uuid references t, x t);
        create view not_ours as select id from uuidmig.id_map""",
    )
    assert table.unsupported == ()


def test_a_foreign_key_from_a_schema_left_out(
    database: TestDatabase, admin: psycopg.Connection[Any]
) -> None:
    ddl: LiteralString = (
        "create schema far; create table far.c (t uuid constraint far_fk references t)"
    )
    assert read(database, admin, ddl).unsupported == ()
    with database.connect(autocommit=True) as owner:
        table = read_catalog(owner, ["public"]).table(RelationName("public", "t"))
    assert found(table) == {("foreign key", "table constraint far_fk on far.c")}
