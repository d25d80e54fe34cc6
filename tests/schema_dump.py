"""pg_dump --schema-only of a test database, and what a migration may change in it."""

from __future__ import annotations

import difflib
import re
import subprocess
from typing import Any

import psycopg
from psycopg import sql

from tests.servers import TestDatabase
from uuidmig.catalog.model import Column
from uuidmig.planner.generators import find_generator
from uuidmig.planner.listed_partitions import listed_partitions
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.planner.partitions import all_members


def schema_dump(database: TestDatabase, *options: str) -> str:
    """Return the dump, without the lines that differ in every run."""
    program = str(database.server.bin / "pg_dump")
    command = [program, "--schema-only", *options, database.admin_dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # \restrict carries a random token.
    kept = [
        line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unr"))
    ]
    return "\n".join(kept)


def finished_dump(database: TestDatabase) -> str:
    """Return the dump without the generator that stays behind on servers before 18."""
    if database.server.version >= 18:
        return schema_dump(database)
    return schema_dump(database, "--exclude-schema=uuidmig_keys")


def with_new_defaults(dump: str, plan: Plan) -> str:
    """Return the dump as it must be after finish: only the DEFAULT of key columns is another.

    Raises AssertionError when the dump does not have the column's line exactly once.
    """
    for table in all_members(plan):
        for name, _ in table.roots:
            column = table.table.column(name)
            default = find_generator(column, plan.server.version).new_default
            if default is not None:
                dump = _with_default(dump, table, column, default)
    return dump


def _with_default(dump: str, table: ClosureTable, column: Column, default: str) -> str:
    kind = "UNLOGGED TABLE" if table.table.persistence == "u" else "TABLE"
    relation = f"{_name(table.name.schema)}\\.{_name(table.name.name)}"
    (head,) = re.finditer(rf"^CREATE {kind} {relation} \($", dump, re.MULTILINE)
    end = dump.index("\n)", head.end())
    shown = "" if column.default is None else f" DEFAULT {column.default}"
    old = re.escape(column.type + shown)
    line = re.compile(
        rf"^    {_name(column.name)} {old}(?=,| NOT NULL| CONSTRAINT |$)", re.MULTILINE
    )
    (found,) = line.finditer(dump, head.end(), end)
    return f"{dump[: found.end() - len(shown)]} DEFAULT {default}{dump[found.end() :]}"


def with_new_bounds(dump: str, plan: Plan, connection: psycopg.Connection[Any]) -> str:
    """Return the dump with the bounds that list keys as they must be with these migrated.

    New keys are told by their last 8 bytes, which the mapping keeps.
    """
    for listed in listed_partitions(plan):
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.Identifier(listed.domain.root.column), listed.domain.root.table.identifier
        )
        live = {key.bytes[8:]: key for (key,) in connection.execute(query)}
        new = [live.get(key.bytes[8:], key) for key in listed.keys]
        entries = [f"'{key}'" for key in dict.fromkeys((*new, *listed.keys))]
        entries += ["NULL"] if listed.has_null else []
        assert listed.partition.bound is not None
        name = rf"{_name(listed.partition.name.schema)}\.{_name(listed.partition.name.name)}"
        old = re.compile(rf"ATTACH PARTITION {name} ({re.escape(listed.partition.bound)});")
        (found,) = old.finditer(dump)
        bound = f"FOR VALUES IN ({', '.join(entries)})"
        dump = dump[: found.start(1)] + bound + dump[found.end(1) :]
    return dump


def _name(name: str) -> str:
    """Return a pattern for the name, which pg_dump quotes only where it must."""
    return f"(?:{re.escape(name)}|{re.escape(sql.Identifier(name).as_string(None))})"


def assert_same(actual: str, expected: str) -> None:
    """Fail with the lines that differ."""
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), lineterm="", n=3)
    assert actual == expected, "\n".join(lines)
