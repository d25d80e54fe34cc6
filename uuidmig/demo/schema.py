"""The shop's schema: its one home is `shop.sql` beside this file."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import LiteralString, cast

import psycopg

SCHEMA = "shop"
TABLES = (
    "customers",
    "profiles",
    "orders",
    "order_items",
    "payments",
    "tags",
    "order_tags",
    "audit_log",
)


@cache
def read_sql(name: str) -> LiteralString:
    """Return the text of a .sql file of this package; these ship with the code, hence the cast."""
    source = resources.files(__package__).joinpath(name)
    text = source.read_text(encoding="utf-8")
    return cast("LiteralString", text)  # type: ignore[redundant-cast]  # str to mypy


def create_shop(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Create schema `shop` and its tables in one transaction; fails when the schema exists."""
    with connection.transaction():
        connection.execute(read_sql("shop.sql"))
