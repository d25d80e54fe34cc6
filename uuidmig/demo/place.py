"""Where the demo happens: a database and a role of its own, both gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from uuidmig.errors import ConfigurationError

_PREFIX = "uuidmig_demo_"


@dataclass(frozen=True, slots=True)
class Place:
    """An empty database. `dsn` connects as its owner, an ordinary role: never print it."""

    name: str
    dsn: str = field(repr=False)


@contextmanager
def demo_place(server_dsn: str) -> Iterator[Place]:
    """Create a database and the role that owns it, and drop both in the end.

    Needs a superuser: to create them, and the extension pgstattuple where the server has it. The
    role is a plain one that may measure indexes. ConfigurationError without the rights.
    """
    name = f"{_PREFIX}{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(18)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        try:
            _create(connection, name, password)
            _install_pgstattuple(make_conninfo(server_dsn, dbname=name))
            yield Place(name, make_conninfo(server_dsn, dbname=name, user=name, password=password))
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigurationError(
                "the demo needs a superuser, to create a role and a database of its own; "
                f"this role may not: {error.diag.message_primary}"
            ) from error
        finally:
            _drop(server_dsn, name)


def _create(connection: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    # Encrypted here, so that the password does not end up in the server's log.
    encrypted = connection.pgconn.encrypt_password(password.encode(), name.encode()).decode()
    role = sql.Identifier(name)
    statements: tuple[LiteralString, ...] = (
        "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {password}",
        "GRANT pg_stat_scan_tables TO {role}",
        "CREATE DATABASE {role} OWNER {role}",
    )
    for statement in statements:
        text = sql.SQL(statement).format(role=role, password=sql.Literal(encrypted))
        connection.execute(text)


def _install_pgstattuple(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        available = "SELECT FROM pg_available_extensions WHERE name = 'pgstattuple'"
        if connection.execute(available).rowcount:
            connection.execute("CREATE EXTENSION pgstattuple")


def _drop(server_dsn: str, name: str) -> None:
    """On a connection of its own: the one that created them may be what failed."""
    identifier = sql.Identifier(name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(identifier))
