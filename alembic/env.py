"""Runs the shop's revisions against UUIDMIG_DSN, else against libpq's own environment."""

from __future__ import annotations

import os
from logging.config import fileConfig

import psycopg
from alembic import context
from sqlalchemy import Connection, create_engine, pool

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def migrate(connection: Connection) -> None:
    """Run the revisions on `connection`, in one transaction."""
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


def migrate_online() -> None:
    """Use the connection a caller passed in `attributes`, else open one."""
    given = config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    # libpq reads the DSN itself: URI, key=value and service= all work.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(os.environ.get("UUIDMIG_DSN", "")),
        poolclass=pool.NullPool,
    )
    with engine.connect() as connection:
        migrate(connection)


def print_sql() -> None:
    """Write the script to stdout (`alembic upgrade head --sql`); needs no server."""
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
else:
    migrate_online()
