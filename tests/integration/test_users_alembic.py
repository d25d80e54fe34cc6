"""The revisions in a user's own Alembic environment: written there, run there."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.alembic_project import Project, sqlalchemy_url
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase, TestServer, fresh_database
from tests.steps_driver import Migration
from uuidmig.alembic_.render import NAMES, stages
from uuidmig.engine import RunOptions, make_plan, migrate
from uuidmig.engine.progress import Event, LockRetry
from uuidmig.planner.model import PlanOptions

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


def test_autocommit_is_refused(project: Project) -> None:
    project.uuidmig(*WRITE)
    project.edit(
        "migrations/env.py",
        "poolclass=pool.NullPool,",
        'poolclass=pool.NullPool, isolation_level="AUTOCOMMIT",',
    )
    assert "AUTOCOMMIT" in project.uuidmig("migrate", "--yes", *INI, code=2).stderr
    assert project.current() == {"base1"}


def test_an_uncommitted_revision_is_noticed(project: Project) -> None:
    project.uuidmig(*WRITE)
    project.edit(
        "migrations/env.py",
        "with connectable.connect() as connection:",
        "with connectable.connect() as connection, contextlib.closing(connection.begin()):",
    )
    project.edit(
        "migrations/env.py",
        "from alembic import context\n",
        "import contextlib\n\nfrom alembic import context\n",
    )
    assert "did not commit" in project.uuidmig("migrate", "--yes", *INI, code=2).stderr
    assert project.current() == {"base1"}


@dataclass
class LettingGo:
    """Ends the transaction of somebody else once it was in the way."""

    other: psycopg.Connection
    retries: list[LockRetry] = field(default_factory=list)

    def notify(self, event: Event) -> None:
        if isinstance(event, LockRetry):
            self.retries.append(event)
            self.other.rollback()


def test_locks_are_tried_again_and_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget reaches the session of env.py: prepare lets go of its lock and asks again."""
    project.uuidmig(*WRITE)
    project.edit("migrations/env.py", "fileConfig(config.config_file_name)", "pass")
    monkeypatch.chdir(project.directory)
    options = RunOptions(cutover="manual", lock_timeout_ms=200, alembic_config="alembic.ini")
    with project.database.connect() as other:
        other.execute("LOCK TABLE books IN ROW EXCLUSIVE MODE")
        observer = LettingGo(other)
        migrate(project.database.dsn, None, options, observer)
    assert [retry.step for retry in observer.retries] == ["prepare"]
    assert "LOCK TABLE books" in observer.retries[0].blockers[0].query


def test_prepared_by_alembic_goes_on_with_uuidmig(project: Project) -> None:
    project.uuidmig(*WRITE)
    project.alembic("upgrade", revision(project, "prepare"))
    project.uuidmig("migrate", "--yes", "--cutover", "manual")
    assert "--alembic-config" in project.uuidmig("migrate", "--yes", code=3).stderr
    project.uuidmig("migrate", "--yes", *INI)
    project.alembic("downgrade", "-1")
    assert versions(project.database) == {"4"}
    assert "rolled_back" in project.uuidmig("status").stdout
    project.alembic("downgrade", "base1")
    assert "no migration" in project.uuidmig("status").stdout


def test_the_packaged_environment_stays_in_charge(project: Project) -> None:
    project.uuidmig("migrate", "--yes", "--cutover", "manual")
    refused = project.uuidmig("cutover", "--yes", *INI, code=3)
    assert "without --alembic-config" in refused.stderr


def test_by_hand_with_psql_and_alembic_alone(project: Project) -> None:
    """`uuidmig plan` once; then every step is a script that psql runs."""
    before = schema_dump(project.database)
    plan = make_plan(project.database.dsn, PlanOptions())
    between = project.uuidmig("plan", "--sql", *WRITE[1:]).stdout
    ids = ["base1", *(revision(project, name) for name in NAMES)]

    project.psql(project.alembic("upgrade", f"{ids[0]}:{ids[1]}", "--sql"))
    with project.database.connect(autocommit=True) as connection:
        connection.execute("INSERT INTO authors (name) VALUES ('written meanwhile')")
        connection.execute("DELETE FROM books WHERE id = (SELECT min(id::text)::uuid FROM books)")
        migration = Migration(connection, plan)
        expected = [migration.mapped_rows(table) for table in plan.tables]
    project.psql(between)
    project.psql(project.alembic("upgrade", f"{ids[1]}:{ids[2]}", "--sql"))

    assert project.current() == {ids[2]}
    assert "uuidmig rollback" in project.uuidmig("status").stdout
    with project.database.connect(autocommit=True) as connection:
        migration = Migration(connection, plan)
        assert [migration.copied_rows(table) for table in plan.tables] == expected
    project.psql(project.alembic("downgrade", f"{ids[2]}:{ids[1]}", "--sql"))
    assert versions(project.database) == {"4"}
    project.psql(project.alembic("downgrade", f"{ids[1]}:{ids[0]}", "--sql"))
    assert_same(schema_dump(project.database), before)

    for below, above in ((0, 1), (1, 2), (2, 3)):
        project.psql(project.alembic("upgrade", f"{ids[below]}:{ids[above]}", "--sql"))
        if above == 1:
            project.psql(between)
    assert project.current() == {ids[3]}
    assert_same(finished_dump(project.database), with_new_defaults(before, plan))
