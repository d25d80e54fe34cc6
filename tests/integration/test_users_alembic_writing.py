"""Writing the revisions into a user's own Alembic environment."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg import sql

from tests.alembic_project import Project, sqlalchemy_url
from tests.integration.users_alembic import (
    INI,
    WRITE,
    assigned,
    library_of,
    ours,
    project_of,
    revision,
)
from tests.schema_dump import assert_same, schema_dump
from tests.servers import TestDatabase, TestServer, fresh_database
from uuidmig.alembic_.render import NAMES, stages
from uuidmig.engine import make_plan
from uuidmig.planner.model import PlanOptions


@pytest.fixture
def library(database: TestDatabase) -> TestDatabase:
    return library_of(database)


@pytest.fixture
def project(library: TestDatabase, tmp_path: Path) -> Project:
    return project_of(library, tmp_path)


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


NASTY = 'od"d :x ::y %s %% \\ {z} \'\'\' """ \r\n\t.'


def test_nasty_names_and_literals_arrive_as_they_are(
    database: TestDatabase, tmp_path: Path
) -> None:
    """Through the template, Alembic's renderer and a formatter as post-write hook."""
    name = sql.Identifier(NASTY)
    with database.connect(autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "CREATE TABLE {name} (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
                " made timestamptz NOT NULL, {name} text DEFAULT {value} CHECK ({name} <> {value}))"
            ).format(name=name, value=sql.Literal(NASTY))
        )
        insert = sql.SQL("INSERT INTO {} (made, {}) VALUES (now(), 'x')").format(name, name)
        connection.execute(insert)
    plan = make_plan(database.dsn, PlanOptions())
    project = Project.init(tmp_path, database)
    add_hook(project, sys.executable, "-m ruff format --isolated REVISION_SCRIPT_FILENAME")
    project.alembic("ensure_version")
    before = schema_dump(database)

    project.uuidmig(*WRITE)

    for revision_name, steps in stages(plan):
        path = ours(project)[revision_name]
        assert sent(path, "upgrade") == [s.text for step in steps for s in step.apply]
        assert_formatted(path)
    project.alembic("upgrade", revision(project, "prepare"))
    assert default(database, "public__uuid7") == default(database, "public")
    project.alembic("downgrade", "base")
    assert_same(schema_dump(database), before)


def sent(path: Path, function: str) -> list[str]:
    """Return the statements that a function of the module hands to its run()."""
    (body,) = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    calls = [
        n.value for n in body.body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call)
    ]
    return [ast.literal_eval(argument)[:-1] for call in calls for argument in call.args]


def assert_formatted(path: Path) -> None:
    check = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def default(database: TestDatabase, schema: str) -> tuple[str, ...]:
    query = (
        "SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d"
        " JOIN pg_class c ON c.oid = d.adrelid JOIN pg_attribute a ON a.attrelid = c.oid"
        " AND a.attnum = d.adnum WHERE c.relnamespace = %s::regnamespace AND a.attname = %s"
    )
    with database.connect() as connection:
        return tuple(row[0] for row in connection.execute(query, [schema, NASTY]))


def test_several_heads_need_a_choice(project: Project) -> None:
    project.add("left", "base1", ["lefties"])
    project.add("right", "base1")
    project.alembic("upgrade", "heads")

    refused = project.uuidmig(*WRITE, code=2)
    assert "left (lefties), right" in refused.stderr
    assert "base1" in project.uuidmig(*WRITE, "--head", "base1", code=2).stderr
    assert ours(project) == {}

    project.uuidmig(*WRITE, "--head", "lefties@head")
    assert assigned(ours(project)["prepare"])["down_revision"] == "left"
    project.uuidmig("migrate", "--yes", *INI)
    assert project.current() == {revision(project, "cutover"), "right"}
    project.uuidmig("rollback", "--yes", *INI)
    project.uuidmig("abort", "--yes", *INI)
    assert project.current() == {"left", "right"}


def test_a_database_behind_its_head_is_refused(project: Project) -> None:
    project.add("next1", "base1")
    refused = project.uuidmig(*WRITE, code=3)
    assert "the database is at base1" in refused.stderr
    assert ours(project) == {}

    project.alembic("upgrade", "head")
    project.uuidmig(*WRITE)
    project.alembic("downgrade", "base1")
    refused = project.uuidmig("migrate", "--yes", *INI, code=3)
    assert "the database is at base1" in refused.stderr
    assert "follows next1" in refused.stderr
    assert project.current() == {"base1"}
    with project.database.connect() as connection:
        assert connection.execute("SELECT to_regclass('uuidmig.run')").fetchone() == (None,)


def test_written_once(project: Project) -> None:
    project.uuidmig(*WRITE)
    texts = {name: path.read_text() for name, path in ours(project).items()}
    assert "written: " in project.uuidmig(*WRITE).stderr
    assert {name: path.read_text() for name, path in ours(project).items()} == texts

    with project.database.connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE books ADD COLUMN title text")
    assert "another plan" in project.uuidmig(*WRITE, code=2).stderr
    missing = project.uuidmig("migrate", "--yes", *INI, code=3).stderr
    assert "uuidmig plan --revisions --alembic-config alembic.ini" in missing


def test_nothing_is_left_when_a_hook_fails(project: Project) -> None:
    add_hook(project, "/nowhere/formatter", "")
    project.uuidmig(*WRITE, code=2)
    assert ours(project) == {}


def test_settings_in_pyproject_and_the_version_table_in_env_py(
    library: TestDatabase, tmp_path: Path
) -> None:
    """pyproject template; version table, its schema and file names are the user's."""
    with library.connect(autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "Mig rations"')
    project = Project.init(tmp_path, library, "pyproject")
    project.edit(
        "pyproject.toml",
        "[tool.alembic]\n",
        '[tool.alembic]\nfile_template = "%%(slug)s--%%(rev)s"\n',
    )
    configure = "context.configure(\n            connection=connection,"
    project.edit(
        "migrations/env.py",
        configure,
        f'{configure} version_table="done", version_table_schema="Mig rations",'
        " transaction_per_migration=True,",
    )
    toml = ("--alembic-config", "pyproject.toml")

    project.uuidmig("plan", "--json", "--revisions", *toml)
    assert ours(project)["prepare"].name.startswith("prepare_uuid7_keys--uuidmig_prepare_")
    project.uuidmig("migrate", "--yes", *toml)

    with library.connect() as connection:
        found = connection.execute('SELECT version_num FROM "Mig rations".done').fetchall()
    assert found == [(revision(project, "cutover"),)]
    project.uuidmig("rollback", "--yes", *toml)
    project.uuidmig("abort", "--yes", *toml)
    assert project.current() == set()


def test_standard_output_is_kept_for_data(project: Project) -> None:
    project.edit(
        "migrations/env.py",
        "config = context.config\n",
        "config = context.config\nprint('hello')\n",
    )
    add_hook(project, "echo", "there")
    done = project.uuidmig("plan", "--json", *WRITE[1:])
    assert json.loads(done.stdout)
    assert "hello" in done.stderr
    assert "there" in done.stderr


def add_hook(project: Project, program: str, options: str) -> None:
    lines = f"hooks = own\nown.type = exec\nown.executable = {program}\nown.options = {options}\n"
    project.edit("alembic.ini", "[post_write_hooks]\n", f"[post_write_hooks]\n{lines}")


def test_several_version_locations(project: Project) -> None:
    (project.directory / "more").mkdir()
    project.edit(
        "alembic.ini",
        "path_separator = os\n",
        "path_separator = os\nversion_locations = %(here)s/migrations/versions:%(here)s/more\n",
    )
    project.uuidmig("plan", "--revisions", "elsewhere", *INI, code=2)
    project.uuidmig("plan", "--revisions", "more", *INI)
    assert len(list((project.directory / "more").glob("*.py"))) == 3
    project.uuidmig("migrate", "--yes", "--cutover", "manual", *INI)
    project.uuidmig("abort", "--yes", *INI)


def test_another_database_is_refused(project: Project, server: TestServer) -> None:
    with fresh_database(server) as other:
        url = sqlalchemy_url(project.database).replace("%", "%%")
        project.edit("alembic.ini", url, sqlalchemy_url(other).replace("%", "%%"))
        refused = project.uuidmig(*WRITE, code=2)
    assert other.name in refused.stderr
    assert project.database.name in refused.stderr
