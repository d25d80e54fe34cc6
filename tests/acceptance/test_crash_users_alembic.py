"""`kill -9` while a user's own Alembic environment runs the revisions.

Two things must agree at every moment: what `alembic current` says, and where uuidmig stands.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alembic_project import Project
from tests.integration.users_alembic import INI, WRITE, library_of, project_of, revision
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from tests.steps_driver import Migration
from uuidmig import status

MIGRATE = ("migrate", "--yes", *INI)
KILLED = -9

# Inside the transaction of the revision, after all that it did, before its COMMIT.
_DIE = """context.run_migrations()
            if os.environ.get("DIE_AT") in context.get_context().get_current_heads():
                os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def project(database: TestDatabase, tmp_path: Path) -> Project:
    """A library with its revisions written; `env.py` dies where DIE_AT says."""
    made = project_of(library_of(database), tmp_path)
    made.uuidmig(*WRITE)
    environment = made.directory / "migrations" / "env.py"
    before, _, after = environment.read_text().rpartition("context.run_migrations()\n")
    environment.write_text("import os\nimport signal\n" + before + _DIE + after)
    return made


def kill(project: Project, *command: str, variable: str, place: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, place)
        project.uuidmig(*command, code=KILLED)


def at(project: Project, *command: str, place: str) -> None:
    """Run the command until the failpoint kills it, between two revisions."""
    kill(project, *command, variable="UUIDMIG_FAILPOINT", place=place)


def within(project: Project, *command: str, reached: str) -> None:
    """Run the command until it dies before the COMMIT that would make `reached` current."""
    kill(project, *command, variable="DIE_AT", place=reached)


def stands(project: Project) -> tuple[str | None, str]:
    """Return where uuidmig stands and which revision is current, as two programs say it."""
    told = status(project.database.dsn)
    assert told.coordinator is None
    assert told.state is None or told.next_commands
    (current,) = project.current()
    names = {revision(project, name): name for name in ("prepare", "cutover", "finish")}
    return told.state, names.get(current, current)


def written(project: Project) -> list[tuple[str, str]]:
    """Return the books with their authors, without keys."""
    with project.database.connect() as connection:
        return connection.execute(
            "SELECT b.created_at::text, a.name FROM books b JOIN authors a ON a.id = b.author_id"
            " ORDER BY 1, 2"
        ).fetchall()


def versions(project: Project) -> set[str]:
    with project.database.connect() as connection:
        rows = connection.execute("SELECT substr(id::text, 15, 1) FROM books")
        return {version for (version,) in rows}


@pytest.mark.slow
def test_a_run_killed_at_every_place_arrives(project: Project) -> None:
    dump, rows = schema_dump(project.database), written(project)
    with project.database.connect(autocommit=True) as connection:
        plan = Migration.of(connection).plan
    prepare, cutover, finish = (revision(project, n) for n in ("prepare", "cutover", "finish"))

    within(project, *MIGRATE, reached=prepare)
    assert stands(project) == (None, "base1")
    assert_same(schema_dump(project.database), dump)
    at(project, *MIGRATE, place="prepare")
    assert stands(project) == ("prepared", "prepare")
    at(project, *MIGRATE, place="copy")
    assert stands(project) == ("copied", "prepare")
    at(project, *MIGRATE, place="before-cutover")
    assert stands(project) == ("verified", "prepare")
    within(project, *MIGRATE, reached=cutover)
    assert stands(project) == ("verified", "prepare")
    assert versions(project) == {"4"}
    at(project, *MIGRATE, place="cutover")
    assert stands(project) == ("cutover", "cutover")
    assert versions(project) == {"7"}
    project.uuidmig(*MIGRATE)
    assert stands(project) == ("validated", "cutover")

    at(project, "finish", "--yes", *INI, place="before-finish")
    within(project, "finish", "--yes", *INI, reached=finish)
    assert stands(project) == ("validated", "cutover")
    at(project, "finish", "--yes", *INI, place="finish")
    assert stands(project) == (None, "finish")
    assert (written(project), versions(project)) == (rows, {"7"})
    assert_same(finished_dump(project.database), with_new_defaults(dump, plan))


@pytest.mark.slow
def test_a_rollback_killed_at_every_place_arrives(project: Project) -> None:
    dump, rows = schema_dump(project.database), written(project)
    prepare, back = revision(project, "prepare"), ("rollback", "--yes", *INI)
    project.uuidmig(*MIGRATE)

    at(project, *back, place="before-rollback")
    assert stands(project) == ("validated", "cutover")
    within(project, *back, reached=prepare)
    assert stands(project) == ("validated", "cutover")
    assert versions(project) == {"7"}
    at(project, *back, place="rollback")
    assert stands(project) == ("rolled_back", "prepare")
    project.uuidmig(*back)
    assert (written(project), versions(project)) == (rows, {"4"})

    abort = ("abort", "--yes", *INI)
    within(project, *abort, reached="base1")
    assert stands(project) == ("rolled_back", "prepare")
    at(project, *abort, place="abort")
    assert stands(project) == (None, "base1")
    assert_same(schema_dump(project.database), dump)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["uuidmig", "alembic"])
@pytest.mark.parametrize("place", ["prepare", "copy", "before-cutover"])
def test_abort_after_a_kill_leaves_no_trace(project: Project, place: str, way: str) -> None:
    dump, rows = schema_dump(project.database), written(project)
    at(project, *MIGRATE, place=place)
    if way == "alembic":
        project.alembic("downgrade", "base1")
    else:
        project.uuidmig("abort", "--yes", *INI)
    assert stands(project) == (None, "base1")
    assert_same(schema_dump(project.database), dump)
    assert (written(project), versions(project)) == (rows, {"4"})
