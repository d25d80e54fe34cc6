"""Index health on real indexes, as an ordinary role."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.servers import OWNER, TestDatabase
from uuidmig.bench.index_health import (
    EMPTY,
    NOT_INSTALLED,
    NOT_PERMITTED,
    NOT_VALID,
    IndexHealth,
    inspect_indexes,
)
from uuidmig.catalog.model import KeyCounts, RelationName

RANDOM = RelationName("public", "random_keys")


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as connection:
        connection.execute(
            """
            CREATE TABLE random_keys (id uuid PRIMARY KEY, other uuid, note text);
            CREATE INDEX by_note_and_other ON random_keys (note, other);
            CREATE INDEX by_note ON random_keys (note) INCLUDE (other);
            CREATE INDEX by_hash ON random_keys USING hash (id);
            INSERT INTO random_keys
            SELECT overlay(overlay(md5(n::text) placing '4' from 13) placing '8' from 17)::uuid,
                NULL, 'n'
            FROM generate_series(1, 9000) n;
            """
        )
        yield connection


def install(database: TestDatabase, *, grant: bool = True) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute('CREATE SCHEMA "Ext"')
        admin.execute('CREATE EXTENSION pgstattuple SCHEMA "Ext"')
        if grant:
            owner = sql.Identifier(OWNER)
            admin.execute(sql.SQL('GRANT USAGE ON SCHEMA "Ext" TO {}').format(owner))
            function = sql.SQL('GRANT EXECUTE ON FUNCTION "Ext".pgstatindex(regclass) TO {}')
            admin.execute(function.format(owner))


def by_name(health: tuple[IndexHealth, ...]) -> dict[str, IndexHealth]:
    return {one.index: one for one in health}


def test_only_btrees_with_a_uuid_key_column_are_listed(connection: psycopg.Connection) -> None:
    assert [(one.index, one.column) for one in inspect_indexes(connection)] == [
        ("random_keys_pkey", "id"),
        ("by_note_and_other", "other"),
    ]


def test_without_the_extension_sizes_and_keys_remain(connection: psycopg.Connection) -> None:
    one = by_name(inspect_indexes(connection))["random_keys_pkey"]
    assert (one.leaf_density, one.leaf_fragmentation) == (None, None)
    assert one.unavailable == NOT_INSTALLED
    assert one.bytes > 9000 * 16
    assert one.keys == KeyCounts(9000, 0, 0, exact=True)


def test_without_the_right_it_says_so(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    install(database, grant=False)
    assert by_name(inspect_indexes(connection))["random_keys_pkey"].unavailable == NOT_PERMITTED


def test_random_keys_are_loose_and_a_fresh_index_is_dense(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    install(database)
    random = by_name(inspect_indexes(connection, [RANDOM]))["random_keys_pkey"]
    connection.execute("REINDEX TABLE random_keys")
    fresh = by_name(inspect_indexes(connection, [RANDOM]))["random_keys_pkey"]
    assert random.unavailable is None
    assert random.leaf_density is not None
    assert fresh.leaf_density is not None
    assert random.leaf_fragmentation is not None
    assert random.leaf_density < 80 < fresh.leaf_density
    assert random.leaf_fragmentation > 30 > 1 > (fresh.leaf_fragmentation or 0)


def test_empty_and_invalid_indexes_have_no_density(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    install(database)
    connection.execute("CREATE TABLE nothing (id uuid PRIMARY KEY)")
    connection.execute(
        "INSERT INTO random_keys SELECT gen_random_uuid(), NULL, id FROM random_keys"
    )
    connection.execute("UPDATE random_keys SET other = '00000000-0000-0000-0000-000000000000'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON random_keys (other)")
    health = by_name(inspect_indexes(connection))
    assert health["nothing_pkey"].unavailable == EMPTY
    assert health["broken"].unavailable == NOT_VALID


def test_tables_are_chosen_by_exact_name(connection: psycopg.Connection) -> None:
    odd = RelationName('Odd "Schema"', "Odd Table")
    connection.execute('CREATE SCHEMA "Odd ""Schema"""')
    connection.execute('CREATE TABLE "Odd ""Schema"""."Odd Table" ("Id" uuid PRIMARY KEY)')
    connection.execute('INSERT INTO "Odd ""Schema"""."Odd Table" VALUES (gen_random_uuid())')
    (one,) = inspect_indexes(connection, [odd])
    assert (one.table, one.column, one.keys) == (odd, "Id", KeyCounts(1, 0, 0, exact=True))
    assert inspect_indexes(connection, []) == ()


def test_a_domain_over_uuid_counts_as_uuid(connection: psycopg.Connection) -> None:
    connection.execute("CREATE DOMAIN key AS uuid; CREATE TABLE d (id key PRIMARY KEY)")
    assert [one.index for one in inspect_indexes(connection, [RelationName("public", "d")])] == [
        "d_pkey"
    ]


def test_without_select_there_are_no_counts(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("CREATE TABLE public.theirs (id uuid PRIMARY KEY)")
    (one,) = inspect_indexes(connection, [RelationName("public", "theirs")])
    assert one.keys is None
