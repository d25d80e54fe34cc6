"""The .sql files beside this package's modules, whole or statement by statement."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg

Connection = psycopg.Connection[Any]


@cache
def read_sql(name: str, package: str | None = __package__) -> LiteralString:
    """Return the text of sql/<name>.sql of a package; part of the program, hence the cast."""
    source = resources.files(package).joinpath("sql", f"{name}.sql")
    text = source.read_text(encoding="utf-8")
    return cast("LiteralString", text)  # type: ignore[redundant-cast]  # str to mypy


def run_script(connection: Connection, name: str) -> None:
    """Run sql/<name>.sql, one statement at a time: CONCURRENTLY is refused in company.

    Our files end each statement, and nothing else, with a semicolon at the end of a line.
    """
    for statement in read_sql(name).split(";\n"):
        if statement.strip():
            connection.execute(statement)


def value(connection: Connection, name: str, *arguments: object) -> Any:
    """Return the one value that the query sql/<name>.sql gives."""
    row = connection.execute(read_sql(name), arguments or None).fetchone()
    return None if row is None else row[0]
