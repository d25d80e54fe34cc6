"""Where a run happens: a schema of its own, dropped afterwards, on one of three kinds of server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import psycopg
from psycopg import sql

from uuidmig.bench.inserts.production import refuse_production
from uuidmig.bench.inserts.spec import Preset
from uuidmig.engine.connection import Connection, connect
from uuidmig.errors import ConfigurationError
from uuidmig.servers.docker import DockerPostgres, docker_server, limit_memory, memory_bytes
from uuidmig.servers.embedded import embedded_server

PREFIX = "uuidmig_bench_"
"""What the names of all schemas of runs begin with; one that was left behind may be dropped."""

EXTENSIONS = ("pgstattuple", "pageinspect")

# Commits do not wait for the disk: with single rows, that wait would be all there is to measure.
# Checkpoints come when a turn begins, not in the middle of one.
_SETTINGS = {
    "synchronous_commit": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "full_page_writes": "on",
    "fsync": "on",
}

ServerKind = Literal["docker", "embedded", "dsn"]


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """Which server: `dsn` of one that runs, or one to start. `memory` and `cpus` limit a container,
    `image` is what it is made of."""

    kind: ServerKind
    dsn: str | None = field(default=None, repr=False)
    image: str = "postgres:18"
    memory: str | None = None
    cpus: float | None = None
    allow_production: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A server and an empty schema on it. `dsn` holds a password: never print it.

    `memory_bytes` is the limit that `limit_memory` sets to the container, None without one. It
    comes when the tables are loaded: what a load writes needs room to wait for the disk.
    """

    kind: ServerKind
    schema: str
    dsn: str = field(repr=False)
    memory_bytes: int | None = None
    limit_memory: Callable[[], None] = lambda: None


@contextmanager
def bench_place(choice: ServerChoice, preset: Preset) -> Iterator[Place]:
    """Yield a place on the chosen server, which is started if need be; nothing is left of it.

    Raises ServerUnavailable, ConnectionFailed, PreflightRefused for what looks like production and
    ConfigurationError for a role that may not create a schema.
    """
    limit = memory_bytes(choice.memory) if choice.kind == "docker" and choice.memory else None
    with _server(choice, preset) as (dsn, container), _schema(dsn) as schema:
        if container is None or limit is None:
            yield Place(choice.kind, schema, dsn)
        else:
            yield Place(choice.kind, schema, dsn, limit, partial(limit_memory, container, limit))


@contextmanager
def _server(choice: ServerChoice, preset: Preset) -> Iterator[tuple[str, DockerPostgres | None]]:
    settings = {**_SETTINGS, "shared_buffers": preset.shared_buffers}
    match choice.kind:
        case "docker":
            with docker_server(choice.image, cpus=choice.cpus, settings=settings) as server:
                yield server.dsn(), server
        case "embedded":
            with embedded_server(settings=settings) as embedded:
                yield embedded.dsn(), None
        case _:
            dsn = choice.dsn or ""
            if not choice.allow_production:
                with connect(dsn, "bench") as connection:
                    refuse_production(connection)
            yield dsn, None


@contextmanager
def _schema(dsn: str) -> Iterator[str]:
    name = f"{PREFIX}{secrets.token_hex(4)}"
    with connect(dsn, "bench") as connection:
        try:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigurationError(
                "the benchmark needs a schema of its own, and this role may not create one: "
                f"{error.diag.message_primary}; GRANT CREATE ON DATABASE to the role"
            ) from error
        try:
            for extension in EXTENSIONS:
                _install(connection, extension, name)
            yield name
        finally:
            _drop(dsn, name)


def _install(connection: Connection, extension: str, schema: str) -> None:
    """Install an extension into our schema where we may, and it is not there: it goes with it."""
    try:
        connection.execute(
            sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {}").format(
                sql.Identifier(extension), sql.Identifier(schema)
            )
        )
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported):
        pass  # not permitted, not on this server: what it would tell stays unknown
    except psycopg.errors.UndefinedFile:
        pass


def _drop(dsn: str, schema: str) -> None:
    with connect(dsn, "bench") as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
