"""Where the demo happens: a database and a role of its own, both gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
    with _rights_needed():
        _create_role(server_dsn, name, password)
    try:
        with _rights_needed():
            _create_database(server_dsn, name)
        yield Place(name, make_conninfo(server_dsn, dbname=name, user=name, password=password))
    finally:
        _drop(server_dsn, name)


@contextmanager
def _rights_needed() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            "the demo needs a superuser, to create a role and a database of its own; "
            f"this role may not: {error.diag.message_primary}"
        ) from error


def _create_role(server_dsn: str, name: str, password: str) -> None:
    role = sql.Identifier(name)
    with psycopg.connect(server_dsn) as connection:
        # Encrypted here, so that the password does not end up in the server's log.
        encrypted = connection.pgconn.encrypt_password(password.encode(), name.encode()).decode()
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER PASSWORD {}").format(
                role, sql.Literal(encrypted)
            )
        )
        connection.execute(sql.SQL("GRANT pg_stat_scan_tables TO {}").format(role))


def _create_database(server_dsn: str, name: str) -> None:
    owned = sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(owned)
    _install_pgstattuple(make_conninfo(server_dsn, dbname=name))


def _install_pgstattuple(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        available = "SELECT FROM pg_available_extensions WHERE name = 'pgstattuple'"
        if connection.execute(available).rowcount:
            connection.execute("CREATE EXTENSION pgstattuple")


def _drop(server_dsn: str, name: str) -> None:
    identifier = sql.Identifier(name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(identifier))
