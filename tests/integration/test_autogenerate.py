"""A project driven by its models: what autogenerate says during a migration and after it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest

from tests.alembic_project import Project
from tests.servers import TestDatabase
from uuidmig.alembic_.inline import read_mark

ROOT = Path(__file__).parents[2]

MODELS = """
import datetime
import uuid

from sqlalchemy import ForeignKey, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NEW_KEY = text("{generator}")


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_KEY)
    name: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())


class Book(Base):
    __tablename__ = "books"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authors.id"), index=True)
    created_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())


class Copy(Base):
    __tablename__ = "copies"
    __table_args__ = {{"schema": "library"}}
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=NEW_KEY)
    book_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"))
    created_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
"""

ROWS = """
INSERT INTO authors (name) SELECT 'author ' || n FROM generate_series(1, 20) AS n;
INSERT INTO books (id, author_id) SELECT gen_random_uuid(), id FROM authors;
"""
OVERLAY = "sqlalchemy>=2.0.54,<2.1"
DRIVERS = ("greenlet", "asyncpg", "psycopg2-binary")


@pytest.fixture(scope="session")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLAlchemy 2.0 and other drivers for PYTHONPATH, in front of what is installed."""
    uv = which("uv", path=str(ROOT / ".cache" / "uv" / "bin")) or which("uv")
    if uv is None:
        pytest.skip("there is no uv to fetch SQLAlchemy 2.0 with")
    target = tmp_path_factory.mktemp("overlay")
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target)]
    done = subprocess.run(
        [*command, OVERLAY, *DRIVERS], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"SQLAlchemy 2.0 cannot be fetched: {done.stderr.strip()}")
    return target


def driven_by_models(
    database: TestDatabase, directory: Path, options: Sequence[str], overlay: Path | None = None
) -> Project:
    """Return a project whose tables autogenerate has made."""
    project = Project.init(directory, database, overlay=overlay)
    (directory / "models.py").write_text(MODELS.format(generator="gen_random_uuid()"))
    project.edit("migrations/env.py", "from alembic import context\n", IMPORTS)
    project.edit("migrations/env.py", "target_metadata = None", "target_metadata = Base.metadata")
    project.edit(
        "migrations/env.py",
        "connection=connection, target_metadata=target_metadata",
        f"connection=connection, target_metadata=target_metadata, {', '.join(options)}",
    )
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE SCHEMA library")
    project.alembic("revision", "--autogenerate", "-m", "tables")
    project.alembic("upgrade", "head")
    with database.connect(autocommit=True) as connection:
        connection.execute(ROWS)
    return project


IMPORTS = """\
from alembic import context

from models import Base
from uuidmig.alembic_.autogenerate import include_name
"""
COMPARE = "compare_server_default=True"
ALL_SCHEMAS = "include_schemas=True"
HOOK = "include_name=include_name"


def new_models(project: Project) -> None:
    """Say in the models what makes keys from now on."""
    own = project.database.server.version < 18
    generator = "uuidmig_keys.uuidv7()" if own else "uuidv7()"
    models = project.directory / "models.py"
    models.write_text(MODELS.format(generator=generator))


@pytest.mark.parametrize("options", [[COMPARE], [COMPARE, ALL_SCHEMAS, HOOK]], ids=["one", "all"])
def test_no_drift_during_a_migration_and_after_it(
    database: TestDatabase, tmp_path: Path, options: list[str]
) -> None:
    # Without include_schemas Alembic would make the table of the other schema again and again.
    if ALL_SCHEMAS not in options:
        options = [
            *options,
            'include_object=lambda o, n, t, r, c: getattr(o, "schema", None) is None',
        ]
    project = driven_by_models(database, tmp_path, options)
    project.alembic("check")

    project.uuidmig("migrate", "--cutover", "manual", "--yes")
    project.alembic("check")
    project.uuidmig("cutover", "--yes")
    new_models(project)
    project.alembic("check")
    project.uuidmig("finish", "--yes")
    project.alembic("check")


def test_all_schemas_without_the_hook_would_drop_ours(
    database: TestDatabase, tmp_path: Path
) -> None:
    project = driven_by_models(database, tmp_path, [ALL_SCHEMAS])
    project.uuidmig("migrate", "--cutover", "manual", "--yes")
    project.alembic("check", code=255)
    project.uuidmig("abort", "--yes")
    project.alembic("check")


INI = ("--alembic-config", "alembic.ini")


@pytest.mark.parametrize("sqlalchemy", ["installed", "2.0"])
def test_no_drift_after_finish_in_the_users_environment(
    database: TestDatabase, tmp_path: Path, sqlalchemy: str, request: pytest.FixtureRequest
) -> None:
    overlay = request.getfixturevalue("overlay") if sqlalchemy == "2.0" else None
    options = [COMPARE, ALL_SCHEMAS, HOOK]
    project = driven_by_models(database, tmp_path, options, overlay)

    version = project.python("import sqlalchemy; print(sqlalchemy.__version__)")
    assert version.startswith("2.0.") == (overlay is not None)

    project.uuidmig("plan", "--revisions", *INI)
    project.uuidmig("migrate", "--yes", *INI)
    new_models(project)
    project.alembic("check", code=255)  # finish is not run yet, and Alembic says so
    project.uuidmig("finish", "--yes", *INI)
    project.alembic("check")


@pytest.mark.parametrize(
    ("template", "driver"), [("async", "psycopg"), ("async", "asyncpg"), ("generic", "psycopg2")]
)
def test_other_drivers(
    database: TestDatabase, tmp_path: Path, template: str, driver: str, overlay: Path
) -> None:
    """asyncpg takes one command at a time; errors of both others are not psycopg's."""
    project = Project.init(tmp_path, database, template, overlay=overlay, driver=driver)
    with database.connect(autocommit=True) as connection:
        connection.execute(
            'CREATE TABLE "od:d %s" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),'
            " made timestamptz NOT NULL DEFAULT now(), note text DEFAULT ':x %% \\ $1')"
        )
        connection.execute('INSERT INTO "od:d %s" SELECT FROM generate_series(1, 100)')
    project.uuidmig("plan", "--revisions", *INI)
    with database.connect() as other:
        other.execute('LOCK TABLE "od:d %s" IN ROW EXCLUSIVE MODE')
        script = next(project.versions.glob("uuidmig_prepare*.py"))
        program = ATTEMPT.format(dsn=database.dsn, digest=read_digest(script))
        done = project.python(program)
        assert "LockNotAvailable" in done, done
        other.rollback()
    project.uuidmig("migrate", "--yes", *INI)
    assert "uuidmig_cutover" in project.alembic("current")
    project.uuidmig("rollback", "--yes", *INI)
    project.uuidmig("abort", "--yes", *INI)
    assert project.current() == set()


ATTEMPT = """
import psycopg
from uuidmig.alembic_.users_runner import upgrade

settings = {{"uuidmig.lock_budget": "100"}}
try:
    upgrade("alembic.ini", {dsn!r}, {digest!r}, "prepare", settings=settings, application_name="x")
except psycopg.Error as error:
    print(type(error).__name__)
"""


def read_digest(script: Path) -> str:
    marked = read_mark(script.read_text())
    assert marked is not None
    return marked[1]
