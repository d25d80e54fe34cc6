"""Connection strings: every spelling people have at hand becomes one that libpq understands."""

from __future__ import annotations

import os
import re

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from uuidmig.errors import ConfigurationError

VARIABLE = "UUIDMIG_DSN"
SECRETS = frozenset(
    ("password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret")
)
FORMS = (
    "give a URI (postgresql://user@host/database), key=value pairs (host=... dbname=...), "
    "service=NAME, or a SQLAlchemy URL (postgresql+psycopg://...)"
)


def resolve_dsn(text: str | None) -> str:
    """`text`, else UUIDMIG_DSN, as libpq wants it; "" leaves all to libpq's own environment.

    An empty text counts as none. Raises ConfigurationError, whose message holds no part of `text`:
    what is wrong with a connection string is often in its password.
    """
    given = (text or os.environ.get(VARIABLE) or "").strip()
    dsn = _from_sqlalchemy(given) if re.match(r"\w+\+\w+://", given) else given
    _check(dsn)
    return dsn


def redact(dsn: str) -> str:
    """`dsn` as key=value pairs without its secrets, for messages."""
    try:
        options = conninfo_to_dict(dsn)
    except psycopg.Error:
        return "(unreadable connection string)"
    kept = {name: str(value) for name, value in options.items() if name not in SECRETS}
    return make_conninfo(**kept)


def _from_sqlalchemy(text: str) -> str:
    """The options that SQLAlchemy itself would pass to psycopg for this URL."""
    if not text.startswith(("postgresql+", "postgres+")):
        raise ConfigurationError(f"the connection URL is not one of PostgreSQL; {FORMS}")
    from sqlalchemy.engine import make_url  # 15 MB, which only such a URL costs
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(text).set(drivername="postgresql+psycopg")
        _, options = url.get_dialect()().create_connect_args(url)
        return make_conninfo(**options)
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigurationError(f"the SQLAlchemy URL cannot be read; {FORMS}") from error
    except psycopg.Error as error:
        raise ConfigurationError(f"the SQLAlchemy URL: {_without_text(error)}") from error


def _check(dsn: str) -> None:
    try:
        host = str(conninfo_to_dict(dsn).get("host") or "")
    except psycopg.Error as error:
        raise ConfigurationError(f"connection string: {_without_text(error)}; {FORMS}") from error
    if "@" in host[1:]:  # "@name" alone is a socket in Linux' abstract namespace
        raise ConfigurationError(
            "connection string: the host holds a @; a @ in the password must be written as %40"
        )


def _without_text(error: psycopg.Error) -> str:
    """libpq's reason up to where it quotes the connection string."""
    return str(error).strip().replace('"="', "=").partition('"')[0].rstrip(": ")
