"""The server of a benchmark: its settings, its ordinary role, and databases made by copying."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.migration.scripts import Connection, read_sql
from uuidmig.servers.embedded import EmbeddedPostgres, embedded_server

OWNER = "bench_owner"

# Durable as in production; everything else, memory, checkpoints and autovacuum included, is the
# server's default, so that anybody's server of the same version compares.
SETTINGS = {"fsync": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True)
class BenchServer:
    """A running server on which `OWNER`, an ordinary role, owns every database we make."""

    embedded: EmbeddedPostgres

    def dsn(self, database: str) -> str:
        """Return the connection string of the role that migrates."""
        return self.embedded.dsn(database, user=OWNER)

    def admin(self, database: str = "postgres") -> Connection:
        """Return an autocommit connection as superuser, for what is measured, not for the work."""
        return psycopg.connect(self.embedded.dsn(database), autocommit=True)

    @contextmanager
    def database(self, name: str, template: str | None = None) -> Iterator[str]:
        """Create a database, a copy of `template` if given, and drop it in the end.

        Yields the connection string of the role that migrates. Nothing may be connected to
        `template`. A copy is followed by a checkpoint, so that all start alike.
        """
        created = sql.SQL("CREATE DATABASE {} OWNER {}").format(
            sql.Identifier(name), sql.Identifier(OWNER)
        )
        if template:
            # File by file: the default strategy would push the copy through the WAL.
            created += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        with self.admin() as connection:
            connection.execute(created)
            connection.execute("CHECKPOINT")
        try:
            yield self.dsn(name)
        finally:
            self._drop(name)

    def _drop(self, name: str) -> None:
        dropped = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with self.admin() as connection:
            connection.execute(dropped)

    def settings(self) -> Mapping[str, object]:
        """Return what the figures depend on: the server's settings and the machine."""
        with self.admin() as connection:
            server = dict(connection.execute(read_sql("settings")).fetchall())
        return {
            "server": server,
            "cpus": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        }


@contextmanager
def bench_server(bin: Path | None = None) -> Iterator[BenchServer]:
    """Start a server with `SETTINGS`, of which nothing is left afterwards.

    `bin` is a folder of programs, as in `uuidmig.servers.embedded`; without it the wheel's.
    """
    with embedded_server(bin=bin, settings=SETTINGS) as embedded:
        server = BenchServer(embedded)
        with server.admin() as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(
                    sql.Identifier(OWNER)
                )
            )
        yield server
