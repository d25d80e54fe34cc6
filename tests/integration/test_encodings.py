"""Databases that are not UTF8: what we send and keep fits into any encoding that knows ASCII."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import uuidmig
from tests.servers import OWNER, OWNER_PASSWORD, TestServer
from uuidmig import PlanOptions, finish, make_plan, migrate, rollback
from uuidmig.errors import ConnectionFailed

PACKAGE = Path(uuidmig.__file__).parent
SENT_OR_KEPT = ("alembic_", "catalog", "engine", "keys", "planner", "steps")
"""Where SQL is written, and what the journal keeps: the plan, with what it warns of."""

SCHEMA = """
CREATE DOMAIN "Schlüssel" AS uuid DEFAULT gen_random_uuid();
CREATE TABLE "Zähler" (id "Schlüssel" PRIMARY KEY, "größe" text, created_at timestamptz NOT NULL);
INSERT INTO "Zähler" ("größe", created_at) VALUES ('fünf', '2024-01-01'), ('zwölf', '2024-01-02');
CREATE TABLE parts (id uuid DEFAULT gen_random_uuid(), tag text, PRIMARY KEY (id, tag))
    PARTITION BY LIST (tag);
CREATE TABLE "parts_ä" PARTITION OF parts FOR VALUES IN ('ä');
INSERT INTO parts (tag) VALUES ('ä'), ('ä');
ANALYZE;
"""


@contextmanager
def database_in(server: TestServer, encoding: str) -> Iterator[str]:
    name = f"uuidmig_test_{encoding.lower()}"
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LOCALE 'C'").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Literal(encoding)
            )
        )
        try:
            yield make_conninfo(server.admin_dsn, dbname=name, user=OWNER, password=OWNER_PASSWORD)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def there_and_back_and_there_again(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(SCHEMA)
        rows = sql.SQL('SELECT "größe" FROM "Zähler" ORDER BY 1')
        before = owner.execute(rows).fetchall()
        plan = make_plan(dsn, PlanOptions())
        assert any("DOMAIN" in hazard.remedy for hazard in plan.hazards)  # the journal keeps it
        assert migrate(dsn).state == "validated"
        rollback(dsn)
        assert migrate(dsn).state == "validated"
        assert owner.execute(rows).fetchall() == before
        versions = owner.execute("SELECT DISTINCT substr(id::text, 15, 1) FROM parts").fetchall()
        assert versions == [("7",)]
        finish(dsn)


def test_latin1(server: TestServer) -> None:
    with database_in(server, "LATIN1") as dsn:
        there_and_back_and_there_again(dsn)


def test_without_an_encoding_it_must_be_said(server: TestServer) -> None:
    with database_in(server, "SQL_ASCII") as dsn:
        with pytest.raises(ConnectionFailed, match="client_encoding=UTF8"):
            make_plan(dsn, PlanOptions())
        there_and_back_and_there_again(make_conninfo(dsn, client_encoding="UTF8"))


@pytest.mark.parametrize("folder", SENT_OR_KEPT)
def test_what_is_sent_or_kept_is_ascii(folder: str) -> None:
    for file in (PACKAGE / folder).rglob("*.sql"):
        assert file.read_text(encoding="utf-8").isascii(), file
    for file in (PACKAGE / folder).rglob("*.py"):
        for line, text in texts(ast.parse(file.read_text(encoding="utf-8"))):
            assert text.isascii(), f"{file}:{line}: {text}"


def texts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the strings of the module that are no docstrings, with their lines."""
    statements = (node for node in ast.walk(module) if isinstance(node, ast.Expr))
    alone = {id(statement.value) for statement in statements}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value
