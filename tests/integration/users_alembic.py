"""A library in an Alembic environment of its user's, and the revisions written there."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.alembic_project import Project
from tests.integration.library import SCHEMA
from tests.servers import TestDatabase
from uuidmig.alembic_.render import NAMES

WRITE = ("plan", "--revisions", "--alembic-config", "alembic.ini")
INI = ("--alembic-config", "alembic.ini")


def library_of(database: TestDatabase) -> TestDatabase:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
    return database


def project_of(library: TestDatabase, directory: Path) -> Project:
    """The library with a revision that the database is at."""
    made = Project.init(directory, library)
    made.add("base1", None)
    made.alembic("upgrade", "head")
    return made


def ours(project: Project) -> dict[str, Path]:
    """Return the written files by the names of the revisions."""
    found = [p for p in project.versions.rglob("*.py") if "# uuidmig " in p.read_text()]
    return {name: p for p in found for name in NAMES if f"# uuidmig {name} of" in p.read_text()}


def assigned(path: Path) -> dict[str, object]:
    """Return the constants that the module sets, such as `down_revision`."""
    found: dict[str, object] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            assert isinstance(target, ast.Name)
            found[target.id] = node.value.value
    return found


def revision(project: Project, name: str) -> str:
    return str(assigned(ours(project)[name])["revision"])
