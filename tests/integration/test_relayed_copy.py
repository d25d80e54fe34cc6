"""The copy through two sessions: every value as it was, and INSERT where that cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.servers import TestDatabase, binaries_of
from tests.steps_driver import Migration
from uuidmig import RunOptions, migrate
from uuidmig.engine import insert
from uuidmig.engine.chunks import Claim
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.insert import ClaimedCopy, RuledOut, copy_claim
from uuidmig.engine.progress import Event, Note
from uuidmig.engine.relay import Relayed, relay
from uuidmig.planner.partitions import leaves
from uuidmig.servers.embedded import embedded_server
from uuidmig.steps import relaying

pytestmark = pytest.mark.usefixtures("small_tables_are_relayed")


@pytest.fixture
def small_tables_are_relayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "_is_narrow", lambda table: True)


@dataclass(slots=True)
class Notes:
    """An observer that keeps what was said."""

    texts: list[str] = field(default_factory=list)

    def notify(self, event: Event) -> None:
        if isinstance(event, Note):
            self.texts.append(event.text)


@pytest.fixture
def relayed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were relayed, by claim."""
    rows: list[int] = []

    def counted(*arguments: Any) -> Relayed:
        done = relay(*arguments)
        rows.append(done.rows)
        return done

    monkeypatch.setattr(insert, "relay", counted)
    return rows


def copy_first_table(
    dsn: str, connection: Connection, migration: Migration, notes: Notes | None = None
) -> int:
    """Copy all of the first table, whatever its size, by the way that wide claims go."""
    table = migration.plan.tables[0]
    numbers, pages = tuple(range(100)), ((0, None),)
    with connection.transaction():
        return sum(
            copy_claim(
                ClaimedCopy(
                    dsn,
                    connection,
                    migration.plan,
                    leaf,
                    Claim(table.number, numbers, pages, heap),
                    RuledOut(),
                    notes or Notes(),
                )
            )
            for heap, leaf in enumerate(leaves(table), start=1)
        )


EVERY_TYPE: LiteralString = r"""
create type color as enum ('red', 'green', 'blue blue');
create domain label as varchar(20) check (value <> 'no');
create domain key as uuid;
create table everything (
    id key primary key default gen_random_uuid(), number int generated always as identity,
    at timestamptz not null,
    a bool, b int2, c int4, d int8, e float4, f float8, g numeric, h numeric(12, 3), i money, j oid,
    k bit(5), l char(7), m varchar(9), n text, o "char", p name, q bytea, r varbit, s uuid,
    t date, u interval, v time, w timestamp(2), x timestamptz, y timetz(3), z interval hour,
    aa cidr, ab inet, ac macaddr, ad macaddr8, ae color, af label,
    ag bigint generated always as (d * 2) stored
);
insert into everything (at) values ('2024-01-01'), ('infinity'), ('1969-01-01'), ('2999-01-01');
insert into everything (at, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x,
    y, z, aa, ab, ac, ad, ae, af) values
('2024-01-02 03:04:05.678901+02', true, -32768, 2147483647, 4611686018427387903, '-0', 'NaN',
 'NaN', 12.300, -1234.56, 4294967295, B'10101', 'ab', 'cäöü', E'line\nänd tab\t\\.', 'x', 'na"me',
 '\x00ff', B'', gen_random_uuid(), 'infinity', '1 mon -2 days 03:04:05.6', '24:00', '-infinity',
 'infinity', '10:11:12.131415+05:30', '5 hours', '10.0.0.0/8', '::1/64', '08:00:2b:01:02:03',
 '08:00:2b:01:02:03:04:05', 'blue blue', 'yes'),
('2024-01-03', false, 0, 0, 0, '1e-45', '-Infinity', 'Infinity', -0.000, 0, 0, B'00000', '', '', '',
 '', '', '\xffff63000000044300', B'1', null, '4713-01-01 BC', '-178000000 years', '00:00',
 '294276-12-31', '4713-01-01 BC', '00:00-15:59', '-1 hour', '::/0', '1.2.3.4', '00:00:00:00:00:00',
 '00:00:00:00:00:00:00:00', 'red', ''),
('2024-01-04', null, 1, 1, 1, 0.1, 0.1, 1e-100, null, 1, 1, null, 'x      ', 'x   ',
 repeat('é', 600), '1', repeat('n', 63), decode(repeat('00ff', 90), 'hex'),
 repeat('10', 99)::varbit, null,
 '5874897-12-31', '00:00:00.000001', '23:59:59.999999', '2024-02-29', 'epoch', '12:00+00', '0',
 '1.2.3.4/32', 'fe80::1', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', 'green', 'n');
analyze everything;
"""


def test_every_value_of_every_type(database: TestDatabase, relayed: list[int]) -> None:
    with connect(database.dsn, "copy") as owner:
        owner.execute(EVERY_TYPE)
        migration = Migration.of(owner)
        migration.prepare()
        assert copy_first_table(database.dsn, owner, migration) == 7
        assert relayed == [7]
        assert migration.mapped_rows(migration.plan.tables[0]) == migration.shadow_rows(
            migration.plan.tables[0]
        )
        # Text does not tell everything: the bytes of both rows, without the keys.
        columns = [c.name for c in migration.plan.tables[0].table.columns if c.name != "id"]
        rows = [sql.SQL("ROW({})").format(column_list(columns, alias)) for alias in ("o", "n")]
        hidden = owner.execute(
            sql.SQL(
                "SELECT count(*) FROM everything o JOIN public__uuid7.everything n"
                " ON n.number = o.number WHERE record_image_ne({})"
            ).format(sql.SQL(", ").join(rows))
        ).fetchone()
        assert hidden == (0,)
        migration.purge()
        migration.build_indexes()
        migration.drain()
        migration.verify()


def column_list(columns: list[str], alias: str) -> sql.Composable:
    return sql.SQL(", ").join([sql.Identifier(alias, column) for column in columns])


ORDERS: LiteralString = """
create table orders (id uuid primary key default gen_random_uuid(), at timestamptz not null, n int);
insert into orders (at, n) select '2024-01-01'::timestamptz + n * interval '1 s', n
from generate_series(1, 1000) n;
analyze orders;
"""


@contextmanager
def prepared(database: TestDatabase) -> Iterator[tuple[Connection, Migration]]:
    with connect(database.dsn, "copy") as owner:
        owner.execute(ORDERS)
        migration = Migration.of(owner)
        migration.prepare()
        yield owner, migration


def test_who_waits_for_the_table_is_not_waited_for(
    database: TestDatabase, relayed: list[int]
) -> None:
    """The second session would wait behind him, he waits for the first, and that for the second."""
    notes = Notes()
    with prepared(database) as (owner, migration), database.connect() as other:
        with owner.transaction():
            owner.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
            waiting = threading.Thread(
                target=other.execute, args=["LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"]
            )
            waiting.start()
            database.until_it_waits(other)
            assert copy_first_table(database.dsn, owner, migration, notes) == 1000
        waiting.join()
        other.rollback()
        table = migration.plan.tables[0]
        assert migration.mapped_rows(table) == migration.shadow_rows(table)
    assert relayed == []
    (note,) = notes.texts
    assert "public.orders is copied without a second session: canceling statement due to" in note


def test_no_second_session_to_be_had(database: TestDatabase) -> None:
    notes = Notes()
    with prepared(database) as (owner, migration):
        nowhere = make_conninfo(database.dsn, dbname="nowhere")
        assert copy_first_table(nowhere, owner, migration, notes) == 1000
    (note,) = notes.texts
    assert 'database "nowhere" does not exist' in note
    assert "password" not in note


def test_another_encoding(database: TestDatabase, relayed: list[int]) -> None:
    notes = Notes()
    with prepared(database) as (owner, migration):
        latin = make_conninfo(database.dsn, client_encoding="LATIN1")
        assert copy_first_table(latin, owner, migration, notes) == 1000
    assert relayed == []
    assert len(notes.texts) == 1


def test_compressed_values_are_inserted_as_they_are(
    database: TestDatabase, relayed: list[int]
) -> None:
    """Of the first page of each range: whatever comes later is right in either way, only slow."""
    notes = Notes()
    with connect(database.dsn, "copy") as owner:
        owner.execute(ORDERS)
        owner.execute("ALTER TABLE orders ADD m text, ADD o numeric, ADD p bytea")
        owner.execute(  # a rewrite, so that it is on the first page
            "ALTER TABLE orders ALTER m TYPE text"
            " USING CASE n WHEN 7 THEN repeat('once more ', 500) END"
        )
        migration = Migration.of(owner)
        migration.prepare()
        assert copy_first_table(database.dsn, owner, migration, notes) == 1000
        table = migration.plan.tables[0]
        assert migration.mapped_rows(table) == migration.shadow_rows(table)
    assert relayed == []
    (note,) = notes.texts
    assert note == (
        "public.orders is copied without a second session: it holds compressed values, which INSERT"
        " copies as they are"
    )


def test_a_value_that_copy_does_not_take(database: TestDatabase, relayed: list[int]) -> None:
    """A CHECK stands against it in COPY as in INSERT, so that says it."""
    with prepared(database) as (owner, migration):
        owner.execute("ALTER TABLE public__uuid7.orders ADD CHECK (n < 900)")
        with pytest.raises(psycopg.errors.CheckViolation):
            copy_first_table(database.dsn, owner, migration)
        left = owner.execute("SELECT count(*) FROM public__uuid7.orders").fetchone()
    assert (relayed, left) == ([], (0,))


def test_a_migration_relays_its_wide_claims(database: TestDatabase, relayed: list[int]) -> None:
    with database.connect(autocommit=True) as owner:
        owner.execute(ORDERS)
        owner.execute(
            "INSERT INTO orders (at, n) SELECT '2024-02-01'::timestamptz + n * interval '1 s', n"
            " FROM generate_series(1, 649000) n; ANALYZE orders"
        )
        owner.execute(
            "CREATE TABLE items (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), order_id uuid"
            " REFERENCES orders, at timestamptz NOT NULL);"
            "INSERT INTO items (order_id, at) SELECT id, at FROM orders;"
            "ANALYZE items"
        )
        migrate(database.dsn, run_options=RunOptions(workers=2))
        odd = owner.execute(
            "SELECT count(*) FROM items i JOIN orders o ON o.id = i.order_id"
            " WHERE substr(o.id::text, 15, 1) <> '7' OR i.at <> o.at"
        ).fetchone()
    assert sum(relayed) == 1_300_000
    assert odd == (0,)


MAKE_CERTIFICATE = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
    *("-days", "1", "-subj", "/CN=test"),
)


@contextmanager
def server_with_tls() -> Iterator[str]:
    """A server that is built with TLS, on an address of its own; yields the owner's DSN."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    address = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    with embedded_server(bin=binaries_of("15"), settings={"listen_addresses": address}) as server:
        key, certificate = server.data / "server.key", server.data / "server.crt"
        subprocess.run(
            [*MAKE_CERTIFICATE, "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
        for file in (key, certificate):
            file.chmod(0o600)
            os.chown(file, server.account.uid, server.account.gid)
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET ssl = on")
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE ROLE owner LOGIN")
            admin.execute("CREATE DATABASE tls OWNER owner")
        yield make_conninfo(host=address, port=5432, user="owner", dbname="tls", sslmode="require")


def test_over_tls_rows_are_inserted(relayed: list[int]) -> None:
    notes = Notes()
    with server_with_tls() as dsn, connect(dsn, "copy") as owner:
        owner.execute(ORDERS)
        migration = Migration.of(owner)
        migration.prepare()
        assert copy_first_table(dsn, owner, migration, notes) == 1000
        table = migration.plan.tables[0]
        assert migration.mapped_rows(table) == migration.shadow_rows(table)
    assert relayed == []
    (note,) = notes.texts
    assert "encrypted" in note
