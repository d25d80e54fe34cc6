"""Version 7 keys in SQLAlchemy models (2.0 and 2.1), as a migration leaves the database.

    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[UUID] = uuid7_key()

`uuidmig` itself does not import this module, nor SQLAlchemy's ORM.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Uuid, text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from uuidmig.keys.generate import uuid7

__all__ = ["ClientKey", "EitherKey", "ServerKey", "create_generator", "server_uuid7", "uuid7_key"]

_HAS_UUIDV7 = (18,)


class server_uuid7(FunctionElement[UUID]):
    """The server's generator: `uuidv7()` from PostgreSQL 18 on, `uuidmig_keys.uuidv7()` before.

    Which one is told by the server that the statement is compiled for; without a connection
    (`alembic upgrade --sql`) it is PostgreSQL 18. Good as `server_default` and in queries.
    """

    type = Uuid()
    inherit_cache = True


@compiles(server_uuid7)
def _render(element: server_uuid7, compiler: SQLCompiler, **options: object) -> str:
    return "uuidv7()" if _has_uuidv7(compiler.dialect) else "uuidmig_keys.uuidv7()"


def _has_uuidv7(dialect: Dialect) -> bool:
    version: tuple[int, ...] | None = getattr(dialect, "server_version_info", None)
    return version is None or version >= _HAS_UUIDV7


def uuid7_key(
    made_by: Literal["server", "client", "either"] = "server", **options: Any
) -> MappedColumn[UUID]:
    """Return a primary key column that gets a version 7 key; `options` are mapped_column's.

    - "server": the column's default makes it, as a migration leaves it. SQLAlchemy then inserts
      row by row, as it must match keys with objects.
    - "client": `uuidmig.uuid7` makes it when the object is flushed, for columns without a default
      in the database. Inserts of many rows go in one statement.
    - "either": the column has the default, for all who write SQL, and SQLAlchemy makes its own.

    In models that are dataclasses use the annotated types below, with `mapped_column(init=False)`:
    type checkers see that a field is none of `__init__` by the name of the function only.
    """
    if made_by != "client":
        options.setdefault("server_default", server_uuid7())
    if made_by != "server":
        options.setdefault("insert_default", uuid7)
    return mapped_column(Uuid(), primary_key=True, **options)


ServerKey = Annotated[UUID, uuid7_key()]
"""`id: Mapped[ServerKey]`: a primary key that the server makes."""

ClientKey = Annotated[UUID, uuid7_key("client")]
"""`id: Mapped[ClientKey]`: a primary key that `uuidmig.uuid7` makes; the column has no default."""

EitherKey = Annotated[UUID, uuid7_key("either")]
"""`id: Mapped[EitherKey]`: a primary key that SQLAlchemy makes, and the server for others."""


def create_generator(target: object, connection: Connection, **options: object) -> None:
    """Create `uuidmig_keys.uuidv7()` where it is missing and needed: in a new, empty database.

    A migration creates it by itself. Made for `sqlalchemy.event`:
    `event.listen(Base.metadata, "before_create", create_generator)`. Nothing on PostgreSQL 18 and
    on other databases.
    """
    from uuidmig.steps.journal import GENERATOR

    if connection.dialect.name != "postgresql" or _has_uuidv7(connection.dialect):
        return
    if connection.scalar(text("SELECT to_regprocedure('uuidmig_keys.uuidv7()')")) is not None:
        return
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS uuidmig_keys"))
    connection.execute(text("GRANT USAGE ON SCHEMA uuidmig_keys TO PUBLIC"))
    connection.exec_driver_sql(GENERATOR.as_string())
