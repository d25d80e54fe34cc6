"""Runs revisions in the packaged Alembic environment. One attempt: trying again is the caller's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import tuple_row

from uuidmig.alembic_.render import NAMES, Revision
from uuidmig.errors import WrongState

if TYPE_CHECKING:
    from alembic.config import Config

ENVIRONMENT = Path(__file__).parent / "environment"


def upgrade(
    dsn: str,
    revisions: Sequence[Revision],
    target_name: str,
    *,
    settings: Mapping[str, str],
    application_name: str,
) -> None:
    """Run the revisions up to and with `target_name`, each in a READ COMMITTED transaction.

    `settings` are set for the session before it. Raises what psycopg raises, e.g.
    LockNotAvailable; then the failed revision has left nothing. WrongState when the revisions do
    not hold the target: a user's own Alembic stores none.
    """
    from alembic import command

    with _config(dsn, revisions, settings, application_name) as config:
        command.upgrade(config, _id_of(revisions, target_name))


def downgrade(
    dsn: str,
    revisions: Sequence[Revision],
    to_name: str | None,
    *,
    settings: Mapping[str, str],
    application_name: str,
) -> None:
    """Undo the revisions above `to_name`, all of them when it is None. Otherwise as `upgrade`."""
    from alembic import command

    with _config(dsn, revisions, settings, application_name) as config:
        command.downgrade(config, "base" if to_name is None else _id_of(revisions, to_name))


def current(dsn: str) -> str | None:
    """Return the id of the revision the database is at, None before prepare and after finish.

    Sees the packaged environment's version table only. Does not write.
    """
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        table = connection.execute("SELECT to_regclass('uuidmig.alembic_version')").fetchone()
        if table is None or table[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM uuidmig.alembic_version").fetchone()
        return row[0] if row else None


def stored_revisions(connection: psycopg.Connection[Any]) -> tuple[Revision, ...]:
    """Return the revisions that prepare stored, in their order; none when a user's own Alembic
    ran it. Does not write. psycopg.errors.UndefinedTable when there is no journal.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("SELECT name, id, script FROM uuidmig.revision")
        stored = {name: (revision, script) for name, revision, script in cursor}
    below: str | None = None
    revisions: list[Revision] = []
    for name in NAMES:
        if name in stored:
            revision, script = stored[name]
            revisions.append(Revision(revision, name, below, script))
            below = revision
    return tuple(revisions)


def _id_of(revisions: Sequence[Revision], name: str) -> str:
    for revision in revisions:
        if revision.name == name:
            return revision.id
    raise WrongState(
        f"revision {name} is not stored in the database: prepare ran in an Alembic environment of"
        " your own; run `alembic upgrade` or `alembic downgrade` there"
    )


@contextmanager
def _config(
    dsn: str, revisions: Sequence[Revision], settings: Mapping[str, str], application_name: str
) -> Iterator[Config]:
    """Yield Alembic's configuration around a connection that is closed afterwards."""
    from alembic.config import Config
    from sqlalchemy import create_engine, pool
    from sqlalchemy.exc import DBAPIError

    with (
        TemporaryDirectory(prefix="uuidmig-") as directory,
        closing(_connect(dsn, settings, application_name)) as raw,
    ):
        for revision in revisions:
            Path(directory, revision.file_name).write_bytes(revision.script.encode())
        engine = create_engine(
            "postgresql+psycopg://", creator=lambda: raw, poolclass=pool.NullPool
        )
        config = Config()
        config.set_main_option("script_location", _no_interpolation(ENVIRONMENT))
        config.set_main_option("version_locations", _no_interpolation(directory))
        config.set_main_option("path_separator", "newline")  # no path has one
        try:
            with engine.connect() as connection:
                config.attributes.update(connection=connection, revisions=tuple(revisions))
                yield config
        except DBAPIError as error:
            if isinstance(error.orig, psycopg.Error):
                raise error.orig from None  # callers know the driver, not SQLAlchemy
            raise


def _no_interpolation(path: Path | str) -> str:
    return str(path).replace("%", "%%")


def _connect(
    dsn: str, settings: Mapping[str, str], application_name: str
) -> psycopg.Connection[Any]:
    """Return a connection outside a transaction, with the settings of the session in place."""
    connection = psycopg.connect(dsn, application_name=application_name)
    # Whatever the server's defaults are: the last drain must see what committed before its locks.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    connection.read_only = False
    try:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection
