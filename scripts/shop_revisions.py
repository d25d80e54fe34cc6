"""Writes the revisions of the demo's shop into alembic/versions: `make shop-revisions`.

They are an example to read. tests/integration/test_shop.py fails when they are stale.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config

from uuidmig.alembic_.write_users import Place, write_users_revisions
from uuidmig.demo.schema import SCHEMA
from uuidmig.engine import make_plan
from uuidmig.planner.document import plan_from_json, plan_to_json
from uuidmig.planner.model import Plan, PlanOptions
from uuidmig.servers.embedded import embedded_server

PROJECT = Path(__file__).parent.parent
VERSIONS = Path("alembic", "versions")
PATTERN = "*_uuid7_keys.py"
BASELINE = "0001_shop_baseline"
MAJOR_VERSION = 18
"""The server that the example is for."""

_FIGURES = frozenset(
    ("oid", "rows", "pages", "heap_bytes", "toast_bytes", "index_bytes", "bytes", "v4", "v7")
)


def make_revisions(dsn: str) -> dict[str, str]:
    """Make the shop in an empty database and return its revisions' texts by file name.

    `dsn` is for a server of MAJOR_VERSION. Sets UUIDMIG_DSN, which alembic/env.py reads.
    """
    os.environ["UUIDMIG_DSN"] = dsn
    with TemporaryDirectory() as directory, chdir(directory):
        shutil.copy(PROJECT / "alembic.ini", directory)
        shutil.copytree(
            PROJECT / "alembic", "alembic", ignore=shutil.ignore_patterns(PATTERN, "__pycache__")
        )
        command.upgrade(Config("alembic.ini"), BASELINE)
        plan = of_no_machine(make_plan(dsn, PlanOptions(schemas=(SCHEMA,))))
        paths = write_users_revisions(plan, "alembic.ini", dsn, Place())
        return {path.name: path.read_text(encoding="utf-8") for path in paths}


def of_no_machine(plan: Plan) -> Plan:
    """Return the plan without what differs between two servers: sizes, names, the time."""
    document = json.loads(plan_to_json(plan))
    names = {document["server"]["database"]: "shop", document["server"]["user"]: "shop_owner"}
    document = _without_figures(document, names)
    document |= {"created_at": "", "forecast": None, "hazards": []}
    document["server"] |= {"version": MAJOR_VERSION * 10000, "superuser": False, "settings": []}
    return plan_from_json(json.dumps(document))


def _without_figures(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: 0 if key in _FIGURES else _without_figures(part, names)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_without_figures(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else value


def main() -> None:
    """Write the files of a server of our own."""
    with embedded_server() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE shop")
        texts = make_revisions(psycopg.conninfo.make_conninfo(server.dsn(), dbname="shop"))
    for name, text in texts.items():
        (PROJECT / VERSIONS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
