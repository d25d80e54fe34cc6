"""The revisions in a user's own Alembic environment: written there, run there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.alembic_project import Project
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from tests.steps_driver import Migration

SCHEMA = """
CREATE TABLE authors (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE books (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    author_id uuid NOT NULL REFERENCES authors,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO authors (name, created_at)
    SELECT 'author ' || n, '2024-01-01'::timestamptz + n * interval '1 hour'
    FROM generate_series(1, 50) AS n;
INSERT INTO books (author_id, created_at)
    SELECT id, created_at + n * interval '1 day' FROM authors, generate_series(1, 4) AS n;
ANALYZE;
"""
WRITE = ("plan", "--revisions", "--alembic-config", "alembic.ini")
INI = ("--alembic-config", "alembic.ini")


@pytest.fixture
def library(database: TestDatabase) -> TestDatabase:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
    return database


@pytest.fixture
def project(library: TestDatabase, tmp_path: Path) -> Project:
    """The library with a revision that the database is at."""
    made = Project.init(tmp_path, library)
    made.add("base1", None)
    made.alembic("upgrade", "head")
    return made


def ours(project: Project) -> dict[str, Path]:
    """Return the written files by the names of the revisions."""
    found = [p for p in project.versions.rglob("*.py") if "# uuidmig " in p.read_text()]
    return {name: p for p in found for name in NAMES if f"# uuidmig {name} of" in p.read_text()}


NAMES = ("prepare", "cutover", "finish")


def assigned(path: Path) -> dict[str, object]:
    """Return the constants that the module sets, such as `down_revision`."""
    found: dict[str, object] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            assert isinstance(target, ast.Name)
            found[target.id] = node.value.value
    return found


def versions(database: TestDatabase) -> set[str]:
    with database.connect() as connection:
        rows = connection.execute("SELECT substr(id::text, 15, 1) FROM books")
        return {version for (version,) in rows}


def test_revisions_follow_the_head_and_import_nothing_of_uuidmig(project: Project) -> None:
    project.uuidmig(*WRITE)

    files = ours(project)
    below: object = "base1"
    for name in NAMES:
        constants = assigned(files[name])
        assert constants["down_revision"] == below
        below = str(constants["revision"])
        assert below.startswith(f"uuidmig_{name}_")
        assert len(below) <= 32
        imports = [n for n in ast.walk(ast.parse(files[name].read_text())) if _imports_us(n)]
        assert imports == []
    assert project.current() == {"base1"}


def _imports_us(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return str(node.module).startswith("uuidmig")
    return isinstance(node, ast.Import) and any(a.name.startswith("uuidmig") for a in node.names)


def test_there_and_back_in_the_users_environment(project: Project) -> None:
    before = schema_dump(project.database)
    project.uuidmig(*WRITE)

    project.uuidmig("migrate", "--cutover", "manual", "--yes", *INI)
    assert project.current() == {revision(project, "prepare")}
    status = project.uuidmig("status").stdout
    assert "uuidmig cutover --alembic-config alembic.ini" in " ".join(status.split())
    refused = project.uuidmig("cutover", "--yes", code=3)
    assert "--alembic-config alembic.ini" in refused.stderr
    assert project.current() == {revision(project, "prepare")}

    project.uuidmig("cutover", "--yes", *INI)
    assert project.current() == {revision(project, "cutover")}
    assert versions(project.database) == {"7"}

    project.uuidmig("rollback", "--yes", *INI)
    assert project.current() == {revision(project, "prepare")}
    assert versions(project.database) == {"4"}

    project.uuidmig("abort", "--yes", *INI)
    assert project.current() == {"base1"}
    assert_same(schema_dump(project.database), before)

    with project.database.connect(autocommit=True) as connection:
        plan = Migration.of(connection).plan
    project.uuidmig("migrate", "--yes", *INI)
    project.uuidmig("finish", "--yes", *INI)
    assert "(head)" in project.alembic("current")
    assert project.current() == {revision(project, "finish")}
    assert_same(finished_dump(project.database), with_new_defaults(before, plan))


def revision(project: Project, name: str) -> str:
    return str(assigned(ours(project)[name])["revision"])
