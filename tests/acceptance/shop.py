"""A shop to migrate in a test database, and what must be true of it before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from tests.servers import TestDatabase
from uuidmig.demo.data import load_shop
from uuidmig.demo.model import TABLES, Row, read_rows
from uuidmig.demo.schema import create_shop
from uuidmig.engine.progress import Event
from uuidmig.keys.mapping import new_key

Picture = dict[str, dict[str, Row]]
ROOTS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("customers", "email"),
    ("orders", "reference"),
    ("order_items", "line_reference"),
    ("payments", "reference"),
    ("tags", "name"),
    ("audit_log", "message"),
)
"""The tables with keys of their own, and the column that people call their rows by."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop in a database of its own. `connection` is the owner's, in autocommit."""

    database: TestDatabase
    connection: psycopg.Connection[tuple[Any, ...]]

    @property
    def dsn(self) -> str:
        return self.database.dsn

    def picture(self) -> Picture:
        """Return all rows with labels in place of keys: the same before and after a migration."""
        return {table: read_rows(self.connection, table, "") for table in TABLES}

    def one(self, query: LiteralString, *values: object) -> Any:
        """Return the one value of the one row of the query."""
        row = self.connection.execute(query, values).fetchone()
        assert row is not None
        return row[0]

    def keys(self) -> dict[tuple[str, str], UUID]:
        """Return every key by table and label."""
        return {
            (table, label): key
            for table, column in ROOTS
            for label, key in self.connection.execute(
                psycopg.sql.SQL("SELECT {}, id FROM {}").format(
                    psycopg.sql.Identifier(column), psycopg.sql.Identifier("shop", table)
                )
            )
        }

    def versions(self) -> set[int]:
        """Return the versions of the keys that are there."""
        return {key.bytes[6] >> 4 for key in self.keys().values()}

    def state(self) -> str | None:
        """Return the state of the run, None when there is none."""
        if self.one("SELECT to_regclass('uuidmig.run')") is None:
            return None
        return str(self.one("SELECT state FROM uuidmig.run"))

    def schemas(self) -> set[str]:
        """Return the schemas of the tool that are there."""
        rows = self.connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname ~ '^uuidmig|__uuid[47]$'"
        )
        return {name for (name,) in rows}

    def assert_copied_once(self) -> None:
        """The rows that the chunks say they copied are the rows of the tables. Writers are off."""
        for number, name in self.connection.execute(
            "SELECT number, table_name FROM uuidmig.closure_table"
        ).fetchall():
            copied = self.one(
                "SELECT sum(rows) FROM uuidmig.chunk WHERE done AND table_number = %s", number
            )
            table = psycopg.sql.Identifier("shop", name)
            rows = self.connection.execute(
                psycopg.sql.SQL("SELECT count(*) FROM {}").format(table)
            ).fetchone()
            assert rows == (copied,), name

    def assert_mapped(self, before: dict[tuple[str, str], UUID]) -> None:
        """Every key of before is the image of what it was, by the Python mapping and by id_map."""
        plan_time, horizon = (
            self.one("SELECT uuidmig.plan_time()"),
            self.one("SELECT uuidmig.horizon()"),
        )
        after = self.keys()
        assert before.keys() <= after.keys()
        pairs = {
            (table, old): new
            for table, old, new in self.connection.execute(
                "SELECT table_name, old, new FROM uuidmig.id_map"
            )
        }
        for table, column in ROOTS:
            times = psycopg.sql.SQL("SELECT {}, created_at FROM {}").format(
                psycopg.sql.Identifier(column), psycopg.sql.Identifier("shop", table)
            )
            for label, created_at in self.connection.execute(times):
                if (table, label) not in before:
                    continue
                old, new = before[table, label], after[table, label]
                assert new == new_key(old, created_at, plan_time=plan_time, horizon=horizon)
                assert pairs[f"shop.{table}", old] == new
                assert new.bytes[8:] == old.bytes[8:]


@dataclass(slots=True)
class Events:
    """An observer that keeps every event, and tells a test about each when asked."""

    listener: Callable[[Event], None] = lambda _: None
    seen: list[Event] = field(default_factory=list)

    def notify(self, event: Event) -> None:
        self.seen.append(event)
        self.listener(event)

    def of[T](self, kind: type[T]) -> list[T]:
        return [event for event in self.seen if isinstance(event, kind)]


@contextmanager
def open_shop(database: TestDatabase, orders: int) -> Iterator[Shop]:
    """Create and fill a shop, and yield it while its connection is open."""
    # By its name the session is no company: a migration gives way to others, which takes time.
    with closing(database.connect(autocommit=True, application_name="uuidmig:test")) as connection:
        create_shop(connection)
        load_shop(connection, orders=orders)
        yield Shop(database, connection)
