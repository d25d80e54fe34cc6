"""The examples of the documents run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from tests.servers import TestDatabase
from uuidmig import finish, migrate

DOCS = Path(__file__).parents[2] / "docs"
SHOP = """
CREATE TABLE customers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid NOT NULL REFERENCES customers,
  placed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO customers (name) SELECT 'c' || g FROM generate_series(1, 20) g;
INSERT INTO orders (customer_id) SELECT id FROM customers;
"""


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_examples_of_the_library_run_one_after_the_other(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(SHOP)
    found = blocks("library.md", "python")
    assert len(found) > 5
    names: dict[str, Any] = {"dsn": database.dsn, "__name__": "library"}
    for number, block in enumerate(found, start=1):
        exec(compile(block, f"library.md, example {number}", "exec"), names)


def test_the_walk_of_the_quickstart_is_legal_sql(database: TestDatabase) -> None:
    tables = blocks("quickstart.md", "sql")[0].split("\\c playground\n")[1]
    with database.connect(autocommit=True) as connection:
        connection.execute(tables.encode())
        rows = connection.execute("SELECT count(*) FROM orders").fetchone()
    assert rows == (10_000,)


def test_examples_for_applications_run_on_a_migrated_database(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(SHOP)
    migrate(database.dsn)
    finish(database.dsn)
    found = blocks("applications.md", "python")
    assert len(found) == 4
    parts = {name: str(value) for name, value in conninfo_to_dict(database.dsn).items()}
    address = URL.create("postgresql+psycopg", query=parts)
    names: dict[str, Any] = {"url": address, "__name__": "applications"}
    for number, block in enumerate(found, start=1):
        code = compile(block, f"applications.md, example {number}", "exec", dont_inherit=True)
        exec(code, names)
    names["engine"].dispose()
