"""A user's project with an Alembic environment of its own, made by `alembic init`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from tests.servers import TestDatabase

BASELINE = """
revision = "{revision}"
down_revision = {below!r}
branch_labels = {labels!r}
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
"""


@dataclass(frozen=True, slots=True)
class Project:
    """`directory` is where its owner runs `alembic`; the environment lies in `migrations`.

    What lies in `overlay` is imported instead of what is installed.
    """

    directory: Path
    database: TestDatabase
    overlay: Path | None = None

    @classmethod
    def init(
        cls,
        directory: Path,
        database: TestDatabase,
        template: str = "generic",
        *,
        overlay: Path | None = None,
        driver: str = "psycopg",
    ) -> Project:
        """Make the environment with that template of Alembic's, pointing at the database."""
        project = cls(directory, database, overlay)
        (directory / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
        project.alembic("init", "--template", template, "migrations")
        project.edit(
            "alembic.ini",
            "driver://user:pass@localhost/dbname",
            sqlalchemy_url(database, driver).replace("%", "%%"),
        )
        return project

    @property
    def versions(self) -> Path:
        return self.directory / "migrations" / "versions"

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text that the file has exactly once."""
        path = self.directory / file
        text = path.read_text()
        assert text.count(old) == 1, (old, text)
        path.write_text(text.replace(old, new))

    def add(self, revision: str, below: str | None, labels: Sequence[str] = ()) -> None:
        """Add a revision that does nothing."""
        text = BASELINE.format(revision=revision, below=below, labels=tuple(labels) or None)
        (self.versions / f"{revision}.py").write_text(text)

    def alembic(self, *arguments: str, code: int = 0) -> str:
        """Run `alembic`; return what it wrote to standard output."""
        return self._run("alembic", arguments, code).stdout

    def uuidmig(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `uuidmig` on the project's database."""
        return self._run("uuidmig", arguments, code)

    def python(self, program: str) -> str:
        """Run a program; return what it wrote to standard output."""
        return self._python(["-c", program], 0).stdout

    def psql(self, script: str) -> None:
        """Run the script, stopping at its first error."""
        program = str(self.database.server.bin / "psql")
        command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", self.database.dsn]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def current(self) -> set[str]:
        """Return what `alembic current` says."""
        lines = self.alembic("current").split("\n")
        return {line.split()[0] for line in lines if line.strip()}

    def _run(
        self, module: str, arguments: Sequence[str], code: int
    ) -> subprocess.CompletedProcess[str]:
        return self._python(["-m", module, *arguments], code)

    def _python(self, arguments: Sequence[str], code: int) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "UUIDMIG_DSN": self.database.dsn}
        if self.overlay is not None:
            environment["PYTHONPATH"] = str(self.overlay)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


def sqlalchemy_url(database: TestDatabase, driver: str = "psycopg") -> str:
    """Return the owner's URL for SQLAlchemy."""
    options = {k: str(v) for k, v in conninfo_to_dict(database.dsn).items() if v is not None}
    known = {name: options.pop(name) for name in ("user", "password", "dbname")}
    return URL.create(
        f"postgresql+{driver}",
        known["user"],
        known["password"],
        database=known["dbname"],
        query=options,
    ).render_as_string(hide_password=False)
