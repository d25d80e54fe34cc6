"""What a command works with: settings, a server that answers, and somebody to talk to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from uuidmig.cli.talk import Talk
from uuidmig.config import Settings, SoftReferenceSetting, load_settings
from uuidmig.errors import ConnectionFailed

# What takes long to load is loaded when a command runs: `--help` stays quick.
if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from uuidmig.engine.options import RunOptions
    from uuidmig.engine.progress import Observer
    from uuidmig.planner.model import PlanOptions, SoftReference


@dataclass(frozen=True, slots=True)
class Session:
    """One command's run. `dsn` is a libpq connection string, with its password: never print it."""

    dsn: str = field(repr=False)
    database: str
    settings: Settings
    talk: Talk

    @property
    def plan_options(self) -> PlanOptions:
        """The part of the settings that says what to migrate."""
        from uuidmig.planner.model import PlanOptions

        settings = self.settings
        return PlanOptions(
            tables=settings.tables,
            schemas=settings.schemas,
            timestamps=settings.timestamps,
            time_zone=settings.time_zone,
            non_v4=settings.non_v4,
            grace=settings.grace,
            accept_replication=settings.accept_replication,
            strategy=settings.strategy,
            soft_references=tuple(map(_soft_reference, settings.soft_references)),
        )

    @property
    def run_options(self) -> RunOptions:
        """The part of the settings that says how to run it."""
        from uuidmig.engine.options import RunOptions

        settings = self.settings
        return RunOptions(
            batch=settings.batch,
            workers=settings.workers,
            cutover=settings.cutover,
            lock_timeout_ms=settings.lock_timeout,
            alembic_config=settings.alembic_config,
        )

    @property
    def programs(self) -> Path | None:
        """Where pg_dump of the server we started is; None: on PATH, as for any other server."""
        from uuidmig.servers.binaries import wheel_binaries

        return wheel_binaries() if self.settings.server == "embedded" else None

    def connect(self) -> psycopg.Connection[TupleRow]:
        """Return an autocommit connection; the caller closes it."""
        import psycopg

        return psycopg.connect(self.dsn, autocommit=True, fallback_application_name="uuidmig")

    def progress(self) -> AbstractContextManager[Observer]:
        """Show progress on stderr while the block runs."""
        from uuidmig.report.progress import progress

        return progress(self.talk.console, verbosity=self.talk.verbosity)


def _soft_reference(setting: SoftReferenceSetting) -> SoftReference:
    from uuidmig.planner.model import Discriminator, SoftReference

    told = setting.when
    when = None if told is None else Discriminator(told.column, told.equals)
    return SoftReference(setting.column, setting.references, when, setting.path)


@contextmanager
def session(
    ctx: typer.Context, *, verbose: int = 0, quiet: bool = False, **flags: object
) -> Iterator[Session]:
    """Yield a session for the flags given (None: not given), connected once to see that it works.

    ConfigurationError for settings that do not fit, ConnectionFailed when nobody answers.
    """
    talk: Talk = ctx.obj
    talk.verbosity = -1 if quiet else verbose
    settings = load_settings(flags)
    with server_dsn(settings, talk) as dsn:
        yield Session(dsn, _database(dsn), settings, talk)


@contextmanager
def server_dsn(settings: Settings, talk: Talk) -> Iterator[str]:
    """Yield the connection string of the server the settings name, starting it if need be."""
    match settings.server:
        case "embedded":
            from uuidmig.servers.embedded import embedded_server

            with embedded_server() as embedded:
                yield embedded.dsn()
        case "docker":
            from uuidmig.servers.docker import docker_server

            with docker_server() as container:
                yield container.dsn()
        case _:
            from uuidmig.servers.dsn import resolve_dsn

            hide_secrets(settings.dsn, talk)
            dsn = resolve_dsn(settings.dsn)
            hide_secrets(dsn, talk)
            yield dsn


def hide_secrets(dsn: str | None, talk: Talk) -> None:
    """See to it that no message shows what is secret in the connection string."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from uuidmig.servers.dsn import SECRETS, redact

    if not dsn:
        return
    talk.hide(dsn, redact(dsn))
    try:
        options = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return  # a SQLAlchemy URL: what it resolves to comes here too
    for name in SECRETS & options.keys():
        talk.hide(str(options[name]))


def _database(dsn: str) -> str:
    import psycopg

    from uuidmig.servers.dsn import redact

    try:
        with psycopg.connect(dsn, fallback_application_name="uuidmig") as connection:
            return connection.info.dbname
    except psycopg.Error as error:
        raise ConnectionFailed(
            f"cannot connect to {redact(dsn) or 'the server of the PG* environment'}: "
            f"{str(error).strip()}\nset --dsn, UUIDMIG_DSN or libpq's own PGHOST, PGDATABASE, ..."
        ) from error
