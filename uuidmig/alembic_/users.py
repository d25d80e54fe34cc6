"""The user's Alembic environment: its configuration, and what running it tells.

Nothing is read from an ini file by hand: env.py may own the URL, the version table and its schema.
So the environment is run, with a function in place of the revisions.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from uuidmig.alembic_.inline import read_mark
from uuidmig.catalog.queries import load
from uuidmig.errors import AlembicEnvironmentUnusable, UuidmigError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import Script, ScriptDirectory

    Work = Callable[[MigrationContext], Iterable[RevisionStep]]


@dataclass(frozen=True, slots=True)
class UsersEnvironment:
    """One environment, and the database it must be one of. `name` is the file as it was given."""

    name: str
    dsn: str
    config: Config
    scripts: ScriptDirectory

    def run(self, work: Work, *, mutate: bool = False) -> None:
        """Run the environment; `work` gets its context and returns the steps to run.

        Before that it is sure that the context is of our database, role and isolation level.
        Raises what `work` raises, what psycopg raises (other drivers' errors become psycopg's),
        and AlembicEnvironmentUnusable for everything else that goes wrong in there.
        """
        from alembic.runtime.environment import EnvironmentContext

        calls: list[MigrationContext] = []

        def steps(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
            calls.append(context)
            if len(calls) > 1:
                raise AlembicEnvironmentUnusable(f"{self.name}: {_SEVERAL}")
            _require_same_place(self.name, self.dsn, context)
            return work(context)

        options: dict[str, Any] = {} if mutate else {"dont_mutate": True}  # no version table made
        with (
            telling_failures(self.name),
            talking_to_stderr(),
            EnvironmentContext(self.config, self.scripts, fn=steps, **options),
        ):
            self.scripts.run_env()
        if not calls:
            raise AlembicEnvironmentUnusable(f"{self.name}: its env.py runs no migrations")

    def heads(self) -> tuple[str, ...]:
        """Return the revisions the database is at, as `alembic current` does."""
        found: list[str] = []

        def look(context: MigrationContext) -> Iterable[RevisionStep]:
            found.extend(context.get_current_heads())
            return ()

        self.run(look)
        return tuple(found)

    def ours(self) -> dict[str, dict[str, Script]]:
        """Return uuidmig's revisions, by the hash of their plan and their names."""
        found: dict[str, dict[str, Script]] = {}
        with telling_failures(self.name), talking_to_stderr():
            for script in self.scripts.walk_revisions():
                if marked := read_mark(_text(script)):
                    name, digest = marked
                    found.setdefault(digest, {})[name] = script
        return found


_SEVERAL = (
    "its env.py runs migrations more than once (several databases or schemas);"
    " uuidmig can follow one only"
)


def open_environment(file: str, dsn: str) -> UsersEnvironment:
    """Return the environment that `file` (an ini file, or pyproject.toml) configures.

    As with Alembic the two may lie side by side, each with a part of the settings. Raises
    AlembicEnvironmentUnusable.
    """
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if not Path(file).is_file():
        raise AlembicEnvironmentUnusable(f"--alembic-config: there is no file {file}")
    ini, toml = _pair(Path(file))
    with telling_failures(file), talking_to_stderr():
        config = Config(file_=ini, toml_file=toml, stdout=sys.stderr, cmd_opts=_quiet())
        return UsersEnvironment(file, dsn, config, ScriptDirectory.from_config(config))


def _pair(file: Path) -> tuple[Path | None, Path | None]:
    is_toml = file.suffix == ".toml"
    ini = file.with_name("alembic.ini") if is_toml else file
    toml = file if is_toml else file.with_name("pyproject.toml")
    return ini if ini.is_file() else None, toml if toml.is_file() else None


def _quiet() -> Any:
    """Return what the options of `alembic -q` would be: an env.py may ask for its -x."""
    from argparse import Namespace

    return Namespace(quiet=True, x=None)


def _text(script: Script) -> str:
    return Path(script.path).read_text(encoding="utf-8", errors="replace")


def _require_same_place(name: str, dsn: str, context: MigrationContext) -> None:
    from sqlalchemy import text

    if context.as_sql or context.connection is None:
        raise AlembicEnvironmentUnusable(f"{name}: its env.py makes no connection")
    theirs = context.connection.execute(text(load("identity"))).one()
    with psycopg.connect(dsn, fallback_application_name="uuidmig") as connection:
        ours = connection.execute(load("identity")).fetchone()
    if tuple(theirs) != ours:
        raise AlembicEnvironmentUnusable(
            f"{name}: its env.py connects to database {theirs[1]} as {theirs[2]}, and uuidmig to"
            f" {ours and ours[1]} as {ours and ours[2]}: both must be one role in one database of"
            " one server"
        )


@contextmanager
def talking_to_stderr() -> Iterator[None]:
    """Send what env.py and post-write hooks print to standard error: ours is for data."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 1)
        os.close(saved)


@contextmanager
def telling_failures(name: str) -> Iterator[None]:
    """Whatever an environment of somebody else's raises, say in which one it was."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except (UuidmigError, psycopg.Error):
        raise
    except DBAPIError as error:
        raise as_psycopg(error.orig) from error
    except (Exception, SystemExit) as error:
        raise AlembicEnvironmentUnusable(f"{name}: {type(error).__name__}: {error}") from error


def as_psycopg(error: BaseException | None) -> psycopg.Error:
    """Return the driver's error as the one of psycopg with the same SQLSTATE."""
    if isinstance(error, psycopg.Error):
        return error
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    try:
        return psycopg.errors.lookup(str(code))(str(error))
    except KeyError:  # a code of our own, e.g. UM001
        unknown = psycopg.DatabaseError(str(error))
        unknown.sqlstate = code
        return unknown
