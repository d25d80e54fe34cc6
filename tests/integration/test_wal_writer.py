"""What wakes the WAL writer: a commit that nobody waits for, of a transaction that did nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, LiteralString

import pytest

from tests.servers import TestDatabase
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.wal_writer import wake_wal_writer

_XACT_ID: LiteralString = "SELECT pg_current_xact_id_if_assigned()"


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with closing(connect(database.dsn, "test")) as opened:
        yield opened


def scalar(connection: Connection, query: LiteralString, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def test_its_transaction_has_an_id(connection: Connection) -> None:
    with connection.transaction():
        assert scalar(connection, _XACT_ID) is None
        wake_wal_writer(connection)
        assert scalar(connection, _XACT_ID) is not None


def test_it_commits_by_itself(connection: Connection) -> None:
    before = scalar(connection, "SELECT pg_current_wal_insert_lsn()")
    wake_wal_writer(connection)
    assert connection.info.transaction_status.name == "IDLE"
    assert scalar(connection, "SELECT pg_current_wal_insert_lsn() > %s::pg_lsn", before)


def test_nobody_waits_for_its_flush(connection: Connection) -> None:
    """Others flush meanwhile, but not every time right after the commit."""
    pending = []
    for _ in range(50):
        wake_wal_writer(connection)
        query: LiteralString = "SELECT pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()"
        pending.append(scalar(connection, query))
    assert any(pending)


def test_later_commits_wait_as_before(connection: Connection) -> None:
    connection.execute("SET synchronous_commit = remote_write")
    with connection.transaction():
        wake_wal_writer(connection)
        assert scalar(connection, "SHOW synchronous_commit") == "off"
    assert scalar(connection, "SHOW synchronous_commit") == "remote_write"

    wake_wal_writer(connection)
    assert scalar(connection, "SHOW synchronous_commit") == "remote_write"
