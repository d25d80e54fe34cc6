"""A publisher and a real subscriber: two servers, and the programs a DBA would use on them."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.commands import wait_until
from tests.servers import SETTINGS, TestDatabase
from uuidmig.servers.embedded import EmbeddedPostgres, embedded_server

SUBSCRIPTION = 'the "copy"'
SLOT = "uuidmig_test_copy"
# A failed worker tries again at once, its slots are asked for often.
_QUICK = {"wal_retrieve_retry_interval": "200ms", "wal_receiver_status_interval": "1s"}

Connection = psycopg.Connection[Any]
Contents = dict[str, Counter[tuple[str | None, ...]]]


@contextmanager
def subscriber_server(database: TestDatabase) -> Iterator[EmbeddedPostgres]:
    """Yield a second server of the same version."""
    publisher = database.server.embedded
    if publisher is None:
        pytest.skip("needs a server that the test run started itself")
    with embedded_server(bin=database.server.bin, settings={**SETTINGS, **_QUICK}) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides; connections are superusers' in autocommit."""

    database: TestDatabase
    subscriber_dsn: str
    publisher: Connection
    subscriber: Connection

    def psql(self, dsn: str, script: str, *options: str) -> str:
        """Run a script as a DBA does; AssertionError with its messages when it fails."""
        program = str(self.database.server.bin / "psql")
        done = subprocess.run(
            [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options, dsn],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def on_publisher(self, commands: Sequence[str]) -> str:
        return self.psql(self.database.admin_dsn, "\n".join(commands))

    def on_subscriber(self, commands: Sequence[str]) -> str:
        name = f"subscription={SUBSCRIPTION}"
        return self.psql(self.subscriber_dsn, "\n".join(commands), "-v", name)

    def subscribe(self, *publications: str, options: LiteralString = "") -> None:
        """Create the subscription, and wait until it has copied all tables."""
        statement = sql.SQL(
            "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (slot_name = {}{})"
        ).format(
            sql.Identifier(SUBSCRIPTION),
            sql.Literal(self.database.admin_dsn),
            sql.SQL(", ").join(map(sql.Identifier, publications)),
            sql.Literal(SLOT),
            sql.SQL(options),
        )
        self.subscriber.execute(statement)
        self.await_copied()

    def await_copied(self) -> None:
        query = "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"
        wait_until(lambda: self.subscriber.execute(query).fetchone() == (0,), "tables copied")

    def await_applied(self) -> None:
        """Wait until the subscription has applied all that was written until now."""
        here = self.publisher.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        assert here is not None
        query = (
            "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots"
            " WHERE slot_name = %s"
        )
        values = (here[0], SLOT)
        wait_until(lambda: self.publisher.execute(query, values).fetchone() == (True,), "applied")

    def published(self) -> Contents:
        """Return what subscribers should have, by the columns and filters of the publications."""
        rows = self.publisher.execute(
            "SELECT DISTINCT ON (schemaname, tablename)"
            " schemaname, tablename, attnames::text[], rowfilter"
            " FROM pg_publication_tables ORDER BY 1, 2"
        ).fetchall()
        return {
            f"{schema}.{name}": _rows(self.publisher, schema, name, columns, row_filter)
            for schema, name, columns, row_filter in rows
        }

    def received(self) -> Contents:
        """Return what the subscriber has in the same tables and columns."""
        rows = self.publisher.execute(
            "SELECT DISTINCT ON (schemaname, tablename) schemaname, tablename, attnames::text[]"
            " FROM pg_publication_tables ORDER BY 1, 2"
        ).fetchall()
        return {
            f"{schema}.{name}": _rows(self.subscriber, schema, name, columns, None)
            for schema, name, columns in rows
        }

    def assert_equal(self) -> None:
        """When nobody writes: the subscriber comes to have all that is published."""
        self.await_copied()
        self.await_applied()
        sent, got = self.published(), self.received()
        assert sent
        for name in sent:
            assert sent[name] == got[name], (name, sent[name] - got[name], got[name] - sent[name])


def _rows(
    connection: Connection, schema: str, name: str, columns: list[str], row_filter: str | None
) -> Counter[tuple[str | None, ...]]:
    texts = sql.SQL(", ").join(
        [sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns]
    )
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        texts,
        sql.Identifier(schema, name),
        sql.SQL(cast("LiteralString", row_filter or "true")),  # type: ignore[redundant-cast]
    )
    return Counter(connection.execute(query).fetchall())


@contextmanager
def pair_of(database: TestDatabase, server: EmbeddedPostgres) -> Iterator[Pair]:
    """Yield both sides; the subscriber has the tables, empty. Its subscription is dropped."""
    target = server.dsn(database.name)
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database.name)))
    with (
        database.connect_admin(autocommit=True) as publisher,
        psycopg.connect(target, autocommit=True) as subscriber,
    ):
        pair = Pair(database, target, publisher, subscriber)
        pair.psql(target, _structure(database))
        try:
            yield pair
        finally:
            for (name,) in subscriber.execute("SELECT subname FROM pg_subscription").fetchall():
                subscriber.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(name)))


def _structure(database: TestDatabase) -> str:
    program = str(database.server.bin / "pg_dump")
    options = ("--schema-only", "--no-owner", "--no-acl", "--no-publications")
    done = subprocess.run(
        [program, *options, database.admin_dsn], capture_output=True, text=True, check=True
    )
    # The schema public is there already.
    return done.stdout.replace("CREATE SCHEMA public;", "")
