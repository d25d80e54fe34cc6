"""Which Alembic environment runs the revisions: the packaged one, or one of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from uuidmig.alembic_ import runner, users_runner
from uuidmig.alembic_.render import Revision, render_revisions
from uuidmig.engine.connection import Connection
from uuidmig.errors import WrongState
from uuidmig.planner.document import plan_hash
from uuidmig.planner.model import Plan

_BELOW: dict[str, tuple[str, ...]] = {"prepare": (), "cutover": ("prepare",)}


class Environment(Protocol):
    """Makes one attempt at a revision, as `uuidmig.alembic_.runner.upgrade` does."""

    def upgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Run revision `name`."""
        ...

    def downgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Take revision `name` back."""
        ...


@dataclass(frozen=True, slots=True)
class Packaged:
    """Our own environment, with its version table in schema uuidmig."""

    dsn: str
    revisions: tuple[Revision, ...]

    def upgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Run revision `name`."""
        runner.upgrade(
            self.dsn, self.revisions, name, settings=settings, application_name=application_name
        )

    def downgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Take revision `name` back."""
        below = [revision.name for revision in self.revisions if revision.name in _BELOW[name]]
        runner.downgrade(
            self.dsn,
            self.revisions,
            below[-1] if below else None,
            settings=settings,
            application_name=application_name,
        )


@dataclass(frozen=True, slots=True)
class Users:
    """The environment that `file` configures; it holds the revisions of the plan with `digest`."""

    dsn: str
    file: str
    digest: str

    def upgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Run revision `name`."""
        users_runner.upgrade(
            *(self.file, self.dsn, self.digest, name),
            settings=settings,
            application_name=application_name,
        )

    def downgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Take revision `name` back."""
        users_runner.downgrade(
            *(self.file, self.dsn, self.digest, name),
            settings=settings,
            application_name=application_name,
        )


@dataclass(frozen=True, slots=True)
class Unnamed:
    """The environment of the user's that ran prepare, which this command was not told of."""

    file: str | None

    def upgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Raise WrongState."""
        raise WrongState(self._message(f"the upgrade to {name}"))

    def downgrade(self, name: str, settings: Mapping[str, str], application_name: str) -> None:
        """Raise WrongState."""
        raise WrongState(self._message(f"the downgrade of {name}"))

    def _message(self, what: str) -> str:
        return (
            "prepare was run by an Alembic environment of your own, which keeps the version: for"
            f" {what} add --alembic-config {self.file or 'alembic.ini'}, or run `alembic` there"
        )


def for_new(dsn: str, plan: Plan, file: str | None) -> Environment:
    """Return where a migration that begins runs its revisions."""
    if file is not None:
        return Users(dsn, file, plan_hash(plan))
    return Packaged(dsn, render_revisions(plan))


def for_present(connection: Connection, dsn: str, digest: str, file: str | None) -> Environment:
    """Return where the migration under way runs its revisions: where it ran prepare.

    WrongState when `file` is given and it was not there.
    """
    stored = runner.stored_revisions(connection)
    if not stored:
        return Unnamed(users_file(connection)) if file is None else Users(dsn, file, digest)
    if file is not None:
        raise WrongState(
            "the migration under way runs in uuidmig's own Alembic environment: go on without"
            " --alembic-config, or `uuidmig abort` it first"
        )
    return Packaged(dsn, stored)


def users_file(connection: Connection) -> str | None:
    """Return the configuration of the user's environment that ran a revision last, if known."""
    row = connection.execute(
        "SELECT detail->>'config' FROM uuidmig.event WHERE kind = 'environment'"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else str(row[0])
