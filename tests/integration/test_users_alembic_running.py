"""Running the revisions in a user's own Alembic environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.alembic_project import Project
from tests.integration.users_alembic import INI, WRITE, library_of, project_of, revision
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from tests.steps_driver import Migration
from uuidmig.alembic_.render import NAMES
from uuidmig.engine import RunOptions, make_plan, migrate
from uuidmig.engine.progress import Event, LockRetry
from uuidmig.planner.model import PlanOptions


@pytest.fixture
def project(database: TestDatabase, tmp_path: Path) -> Project:
    return project_of(library_of(database), tmp_path)


def versions(database: TestDatabase) -> set[str]:
    with database.connect() as connection:
        rows = connection.execute("SELECT substr(id::text, 15, 1) FROM books")
        return {version for (version,) in rows}


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
