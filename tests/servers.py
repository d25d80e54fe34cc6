"""The server of a test run, and a fresh database on it for each test.

`UUIDMIG_TEST_PG=15` or `18` (default) chooses a server that the run starts itself.
`UUIDMIG_TEST_DSN` names one that runs already, as superuser, instead.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from uuidmig.errors import ServerUnavailable
from uuidmig.servers.binaries import probe, server_account, wheel_binaries
from uuidmig.servers.embedded import EmbeddedPostgres, embedded_server

OWNER = "app_owner"
OWNER_PASSWORD = "app_owner"
DEBIAN_BINARIES = "/usr/lib/postgresql/{}/bin"

# fsync is off for speed, full_page_writes stays on: a crash of the server (not of the machine) must
# recover, and WAL volumes must be those of a real server.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "on",
    "wal_level": "logical",
    "max_connections": "200",
    "max_prepared_transactions": "10",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "log_line_prefix": "%m [%p] %a ",
}


@dataclass(slots=True)
class TestServer:
    """A running server. `bin` is where pg_dump, pgbench and psql of its version are."""

    __test__ = False

    admin_dsn: str
    version: int
    bin: Path
    embedded: EmbeddedPostgres | None

    def restart(self) -> None:
        self._ours().restart()

    def kill(self) -> None:
        """Immediate shutdown, as a crash; `start` recovers."""
        self._ours().kill()

    def start(self) -> None:
        self._ours().start()

    def _ours(self) -> EmbeddedPostgres:
        if self.embedded is None:
            pytest.skip("needs a server that the test run started itself (UUIDMIG_TEST_DSN is set)")
        return self.embedded


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """An empty database, owned (with its schema public) by a role that is no superuser."""

    __test__ = False

    name: str
    server: TestServer

    @property
    def dsn(self) -> str:
        return make_conninfo(
            self.server.admin_dsn, dbname=self.name, user=OWNER, password=OWNER_PASSWORD
        )

    @property
    def admin_dsn(self) -> str:
        return make_conninfo(self.server.admin_dsn, dbname=self.name)

    def connect(self, **options: Any) -> psycopg.Connection:
        """As the owner. Options are psycopg.connect's, e.g. autocommit=True."""
        return psycopg.connect(self.dsn, **options)

    def connect_admin(self, **options: Any) -> psycopg.Connection:
        """As superuser."""
        return psycopg.connect(self.admin_dsn, **options)

    def until_it_waits(self, session: psycopg.Connection) -> None:
        """Return when that session waits for a lock; AssertionError after half a minute."""
        with self.connect_admin(autocommit=True) as admin:
            for _ in range(3000):
                found = admin.execute(
                    "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s",
                    [session.info.backend_pid],
                )
                if found.fetchone() == (True,):
                    return
                time.sleep(0.01)
        raise AssertionError("it did not wait")


def lane_binaries() -> Path:
    """The programs of the lane's version; skips when they are not installed."""
    return binaries_of(os.environ.get("UUIDMIG_TEST_PG") or "18")


def binaries_of(version: str) -> Path:
    if version == "18":
        try:
            return wheel_binaries()
        except ServerUnavailable as error:
            pytest.skip(str(error))
    folder = Path(DEBIAN_BINARIES.format(version))
    if not folder.is_dir():
        pytest.skip(f"PostgreSQL {version} is not installed: there is no {folder}")
    return folder


def describe_lane() -> str:
    """For pytest's header: which server the tests run on."""
    dsn = os.environ.get("UUIDMIG_TEST_DSN")
    try:
        if dsn:
            with psycopg.connect(dsn) as connection:
                return f"PostgreSQL {connection.info.server_version / 10000:.4f} (UUIDMIG_TEST_DSN)"
        folder = lane_binaries()
        return f"{probe(folder, server_account()) or 'programs of another user'} in {folder}"
    except (pytest.skip.Exception, ServerUnavailable, psycopg.OperationalError) as error:
        return f"none: {error}"


@contextmanager
def running_server() -> Iterator[TestServer]:
    dsn = os.environ.get("UUIDMIG_TEST_DSN")
    if dsn:
        yield _existing_server(dsn)
        return
    with embedded_server(bin=lane_binaries(), settings=SETTINGS) as server:
        _create_owner(server.dsn())
        yield TestServer(server.dsn(), server.version, server.bin, server)


def _existing_server(dsn: str) -> TestServer:
    _create_owner(dsn)
    with psycopg.connect(dsn) as connection:
        version = connection.info.server_version // 10000
    return TestServer(dsn, version, binaries_of(str(version)), None)


def _create_owner(admin_dsn: str) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
            return
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(
                sql.Identifier(OWNER), sql.Literal(OWNER_PASSWORD)
            )
        )


@contextmanager
def fresh_database(server: TestServer) -> Iterator[TestDatabase]:
    database = TestDatabase(f"uuidmig_test_{uuid4().hex[:12]}", server)
    name, owner = sql.Identifier(database.name), sql.Identifier(OWNER)
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
    with database.connect_admin(autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
    yield database
    # A new connection: the test may have restarted the server.
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
