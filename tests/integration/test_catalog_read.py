"""The server, the tables and their columns, read as an ordinary role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from tests.catalog_tables import read_table
from tests.servers import OWNER, TestDatabase
from uuidmig.catalog.model import Catalog, Column, RelationName
from uuidmig.catalog.read import read_catalog


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as connection:
        yield connection


def names(catalog: Catalog) -> list[str]:
    return [str(table.name) for table in catalog.tables]


def test_server(database: TestDatabase, owner: psycopg.Connection[Any]) -> None:
    server = read_catalog(owner).server
    assert server.version // 10000 == database.server.version
    assert (server.database, server.user) == (database.name, OWNER)
    assert (server.superuser, server.in_recovery) == (False, False)
    assert server.setting("deadlock_timeout") == "1000"
    assert server.setting("session_replication_role") == "origin"
    assert server.setting("data_directory") is None
    assert ("plpgsql", "pg_catalog") in server.extensions


def test_the_session_is_left_as_it_was(owner: psycopg.Connection[Any]) -> None:
    owner.execute("create table t (id uuid primary key)")
    owner.execute("set search_path = public, pg_temp")
    owner.execute("set timezone = 'Asia/Tokyo'")
    read_catalog(owner)
    assert owner.execute(
        "select current_setting('search_path'), current_setting('timezone'),"
        " current_setting('transaction_read_only'), current_setting('row_security')"
    ).fetchone() == ("public, pg_temp", "Asia/Tokyo", "off", "on")
    assert owner.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_reading_inside_a_transaction_is_refused(database: TestDatabase) -> None:
    with database.connect() as connection:
        connection.execute("select 1")
        with pytest.raises(errors.ActiveSqlTransaction):
            read_catalog(connection)


def test_definitions_do_not_depend_on_the_session(owner: psycopg.Connection[Any]) -> None:
    ddl = """
        create table t (
            id uuid primary key,
            at timestamptz default '2024-05-01 12:00+02',
            check (at > '2020-01-01 00:00+00' and at - '1 day 02:00'::interval < 'infinity')
        )"""
    owner.execute(ddl)
    first = read_catalog(owner).tables
    owner.execute("set timezone = 'Asia/Tokyo'")
    owner.execute("set datestyle = 'German'")
    owner.execute("set intervalstyle = 'iso_8601'")
    owner.execute("set quote_all_identifiers = on")
    assert read_catalog(owner).tables == first
    assert first[0].column("at").default == "'2024-05-01 10:00:00+00'::timestamp with time zone"


def test_which_schemas_are_read(owner: psycopg.Connection[Any]) -> None:
    owner.execute("""
        create schema sales; create schema "public__uuid7"; create schema uuidmig;
        create schema other__uuid7; create schema uuidmig_keys;
        comment on schema uuidmig is 'uuidmig';
        comment on schema "public__uuid7" is 'uuidmig';
        comment on schema uuidmig_keys is 'uuidmig';
        create table public.a (); create table sales.b (); create table "public__uuid7".a ();
        create table uuidmig.run (); create table uuidmig_keys.k (); create table other__uuid7.c ();
        create temporary table temp (); create view sales.v as select 1 as one""")
    assert names(read_catalog(owner)) == ["other__uuid7.c", "public.a", "sales.b"]
    assert names(read_catalog(owner, ["sales"])) == ["sales.b"]
    assert names(read_catalog(owner, ["sales", "public"])) == ["public.a", "sales.b"]


def test_a_database_without_tables(owner: psycopg.Connection[Any]) -> None:
    assert read_catalog(owner).tables == ()


def test_table(owner: psycopg.Connection[Any]) -> None:
    table = read_table(
        owner,
        """
        create unlogged table t (id uuid primary key, note text)
        with (fillfactor = 70, toast.autovacuum_enabled = off, autovacuum_vacuum_threshold = 9);
        insert into t select gen_random_uuid(), 'note' from generate_series(1, 1000);
        insert into t select gen_random_uuid(), string_agg(md5(i::text), '')
        from generate_series(1, 2000) i;
        alter table t replica identity full;
        comment on table t is 'It''s a table';
        analyze t""",
    )
    assert (table.owner, table.kind, table.persistence) == (OWNER, "r", "u")
    assert table.options == (
        "fillfactor=70",
        "autovacuum_vacuum_threshold=9",
        "toast.autovacuum_enabled=off",
    )
    assert (table.access_method, table.tablespace, table.replica_identity) == ("heap", None, "f")
    assert (table.comment, table.acl) == ("It's a table", None)
    assert (table.row_security, table.force_row_security) == (False, False)
    assert table.unsupported == ()
    assert (table.rows, table.pages > 0) == (1001, True)
    row = owner.execute(
        "select oid, pg_indexes_size(oid), pg_total_relation_size(oid),"
        " pg_total_relation_size(reltoastrelid) from pg_class where oid = 't'::regclass"
    ).fetchone()
    total = table.heap_bytes + table.toast_bytes + table.index_bytes
    assert (table.oid, table.index_bytes, total, table.toast_bytes) == row
    assert table.heap_bytes >= table.pages * 8192


def test_a_table_never_analyzed(owner: psycopg.Connection[Any]) -> None:
    assert read_table(owner, "create table t (id uuid primary key)").rows == -1


def test_columns(owner: psycopg.Connection[Any]) -> None:
    table = read_table(
        owner,
        """
        create schema x; create domain x.ident as uuid; create domain x.deep as x.ident;
        create type x.mood as enum ('good'); create type x.pair as (a int, b json);
        create table t (
            gone int,
            id uuid not null default gen_random_uuid(),
            price numeric(10,2) default 0.5,
            doubled numeric generated always as (price * 2) stored,
            key x.deep, mood x.mood, pair x.pair, moods x.mood[], span int4range,
            at timestamptz not null default now()
        );
        alter table t drop column gone;
        alter table t alter column price set statistics 77;
        alter table t alter column price set (n_distinct = 5);
        comment on column t.at is 'when'""",
    )
    ident = Column(
        "id",
        2,
        "uuid",
        "uuid",
        "b",
        not_null=True,
        default="gen_random_uuid()",
        hash_function="uuid_hash_extended",
    )
    assert table.columns[0] == ident
    assert table.column("price") == Column(
        "price",
        3,
        "numeric(10,2)",
        "numeric",
        "b",
        not_null=False,
        default="0.5",
        statistics_target=77,
        options=("n_distinct=5",),
        hash_function="hash_numeric_extended",
    )
    doubled = table.column("doubled")
    assert (doubled.generated, doubled.default) == ("s", None)
    assert doubled.generation_expression == "(price * (2)::numeric)"
    assert table.column("at").comment == "when"
    kinds = [(c.name, c.type, c.base_type, c.type_kind, c.hashable) for c in table.columns[3:8]]
    assert kinds == [
        ("key", "x.deep", "uuid", "d", True),
        ("mood", "x.mood", "x.mood", "e", True),
        ("pair", "x.pair", "x.pair", "c", False),
        ("moods", "x.mood[]", "x.mood[]", "b", True),
        ("span", "int4range", "int4range", "r", True),
    ]


def test_a_virtual_generated_column(owner: psycopg.Connection[Any], database: TestDatabase) -> None:
    if database.server.version < 18:
        pytest.skip("virtual generated columns came with PostgreSQL 18")
    table = read_table(owner, "create table t (a int, b int generated always as (a + 1) virtual)")
    column = table.column("b")
    assert (column.generated, column.generation_expression) == ("v", "(a + 1)")


def test_hashable_is_what_the_server_can_hash(owner: psycopg.Connection[Any]) -> None:
    """Try hash_record_extended on one value of every type a table can have."""
    owner.execute("""
        create type pair as (a int, b text); create type odd as (a int, b point);
        create domain doc as json; create domain small as int4range;
        create domain smaller as small; create domain many as int4multirange;
        create domain pairs as pair[]; create domain a_pair as pair; create domain word as text;
        create domain points as point[]; create domain odd_one as odd;
        do $$
        declare
            types text := (
                select string_agg(format('%I %s', t.oid::regtype, t.oid::regtype), ', ')
                from pg_type t
                left join pg_type e on e.typarray = t.oid
                left join pg_class c on c.oid in (t.typrelid, e.typrelid)
                where t.typtype in ('b', 'd', 'e', 'r', 'm', 'c')
                and coalesce(c.relkind = 'c', true) and e.typtype is distinct from 'p'
                and t.typnamespace <> 'information_schema'::regnamespace
            );
        begin
            execute format('create table t (%s)', types);
        end $$""")
    table = read_catalog(owner).table(RelationName("public", "t"))
    assert len(table.columns) > 100
    owner.execute("insert into t default values")
    expected = {column.name: hashes(owner, column.name) for column in table.columns}
    assert {column.name: column.hashable for column in table.columns} == expected
    functions = {column.name: column.hash_function for column in table.columns}
    assert functions["word"] == functions["character varying"] == "hashtextextended"
    for name, function in functions.items():
        if function is not None:
            call = sql.SQL("select {}({}, 1) from t")
            owner.execute(call.format(sql.Identifier(function), sql.Identifier(name)))


def hashes(owner: psycopg.Connection[Any], column: str) -> bool:
    query = sql.SQL("select hash_record_extended(row({}), 0) from t")
    try:
        owner.execute(query.format(sql.Identifier(column)))
    except errors.UndefinedFunction:
        return False
    return True
