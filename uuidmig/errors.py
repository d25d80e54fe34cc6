"""One error class per cause. The message says what happened, where, why, and what to do next.

Exit codes are part of the public contract: 1 failed (state saved, re-run resumes), 2 usage or
configuration, 3 refused by preflight, 4 no lock in the allowed time, 5 verification mismatch,
6 slower than `bench compare --threshold` allows.
"""

from __future__ import annotations

from collections.abc import Sequence


class UuidmigError(Exception):
    """The operation failed; its state is saved and running the command again resumes it."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ConfigurationError(UuidmigError):
    """The configuration or a command line argument is not usable."""

    exit_code = 2


class ConnectionFailed(ConfigurationError):
    """The server cannot be reached with this connection string."""


class NothingToMigrate(UuidmigError):
    """No table has a uuid4 primary key, or references one."""

    exit_code = 3


class PreflightRefused(UuidmigError):
    """Something in the database stands against the migration; nothing was changed.

    `reasons` holds every blocker found, not only the first.
    """

    exit_code = 3

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        lines = "\n".join(f"  - {reason}" for reason in self.reasons)
        super().__init__(f"refused, nothing was changed:\n{lines}")


class AlreadyRunning(UuidmigError):
    """Another uuidmig process works on this database."""

    exit_code = 3


class PlanMismatch(UuidmigError):
    """The journal in the database belongs to another plan or another version of uuidmig."""

    exit_code = 3


class WrongState(UuidmigError):
    """The command does not fit the state the migration is in."""

    exit_code = 3


class FillingTooLong(UuidmigError):
    """A materialized view takes too long to fill while everybody waits; nothing was changed."""

    exit_code = 3


class LockNotObtained(UuidmigError):
    """A lock could not be had in the allowed time; nothing was changed, try again later."""

    exit_code = 4


class VerificationFailed(UuidmigError):
    """Source and shadow differ; the migration stops and stays stopped until `uuidmig abort`."""

    exit_code = 5


class MappingCollision(UuidmigError):
    """Two old keys map to one new key: they share their last 8 bytes and their timestamp."""

    exit_code = 5

    def __init__(self, what: str, detail: str | None) -> None:
        super().__init__(
            f"{what}: new keys are not unique: {detail}; two old keys share their last 8 bytes and"
            " their timestamp; nothing was switched, `uuidmig abort` takes everything back"
        )


class OldKeysCollide(UuidmigError):
    """Two rows would have one key under the old keys: they were made alike since the cutover."""

    exit_code = 3

    def __init__(self, what: str, detail: str | None) -> None:
        super().__init__(
            f"{what}: two rows would have one old key: {detail}; since the cutover one of them was"
            " moved there. Nothing was switched and nothing is lost: move or delete one of the two,"
            " then run `uuidmig rollback` again"
        )


class ReferenceDangles(UuidmigError):
    """A foreign key cannot be validated after the swap: a row references one that is not there."""

    def __init__(self, what: str, detail: str | None) -> None:
        violation = detail or "a row references one that is not there."
        super().__init__(
            f"{what} cannot be validated: {violation} The tables are in place and every new write"
            " is checked. Somebody wrote this row past the foreign key (session_replication_role,"
            " disabled triggers): correct or delete it, then run the command again"
        )


class SchemaDrift(UuidmigError):
    """The schema of a table changed while the migration ran."""

    exit_code = 3


class EventTriggerRefused(UuidmigError):
    """An event trigger refused a statement of the migration; that step left nothing behind."""

    exit_code = 3

    def __init__(self, name: str, message: str | None) -> None:
        self.name = name
        super().__init__(
            f"event trigger {name} refused a statement of this step: {message}; the step left"
            " nothing behind. Let the trigger pass the schemas uuidmig, uuidmig_keys, …__uuid7,"
            " …__uuid4 and pg_temp, or disable it for the time, then run the command again"
        )


class SecurityLabelRefused(UuidmigError):
    """A label provider does not let this role set a security label; nothing was changed."""

    exit_code = 3


class ServerUnavailable(ConfigurationError):
    """The trial server (embedded or Docker) cannot be started here."""


class NoJournal(WrongState):
    """No migration is under way in this database."""


class Interrupted(UuidmigError):
    """Interrupted: what was under way was undone; run the command again, it goes on from there."""

    exit_code = 130


class RevisionFileDiffers(ConfigurationError):
    """A revision file of this name is there with another text; it was not overwritten."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is there with another text and was not overwritten; nothing was written. "
            "Move it away, or choose another directory."
        )


class AlembicEnvironmentUnusable(ConfigurationError):
    """The Alembic environment of the user's cannot be run, or not for this database."""


class OtherRevisionsThere(ConfigurationError):
    """Revisions of another plan are in the way; nothing was written."""

    def __init__(self, paths: Sequence[str]) -> None:
        lines = "".join(f"\n  {path}" for path in paths)
        super().__init__(
            "revisions of another plan, or not all of this one, are there and were not run;"
            f" nothing was written. Delete them, then try again:{lines}"
        )


class AlembicNotAtHead(UuidmigError):
    """The database is not at the revision that the migration's revisions follow."""

    exit_code = 3


class RevisionsMissing(UuidmigError):
    """The Alembic environment of the user's holds no revisions of this plan."""

    exit_code = 3

    def __init__(self, config: str, digest: str, others: Sequence[str]) -> None:
        found = f"; it holds those of plan {', '.join(d[:10] for d in others)}" if others else ""
        super().__init__(
            f"the environment of {config} holds no revisions of plan {digest[:10]}{found}:"
            f" write them with `uuidmig plan --revisions --alembic-config {config}` and the same"
            " options"
        )


class UnusableResults(ConfigurationError):
    """A file holds no results of benchmarks that can be read."""

    def __init__(self, path: str, why: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: {why}; expected is a JSON file that `uuidmig bench … --json` or"
            " `pytest --benchmark-json` wrote"
        )


class NotComparable(UuidmigError):
    """The results say nothing about one another."""

    exit_code = 3


class DriversDiffer(NotComparable):
    """Figures of interpreters that used different implementations of psycopg."""

    def __init__(self, implementations: Sequence[tuple[str, str | None]]) -> None:
        used = ", ".join(f"{name or 'unknown'} in {path}" for path, name in implementations)
        super().__init__(
            f"these are no figures of interpreters: psycopg's implementation differs too ({used});"
            " run all with the same one, set by PSYCOPG_IMPL=c, binary or python"
        )


class SlowerThanAllowed(UuidmigError):
    """A benchmark is slower than the threshold allows."""

    exit_code = 6


class WrongResult(UuidmigError):
    """A benchmark did not do what it should: its times would mean nothing."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"benchmark {name} gave a wrong result, so nothing was measured; with the same Python"
            " and the same versions of the libraries this is worth a bug report"
        )


class ReportUnavailable(ConfigurationError):
    """The HTML report needs matplotlib: pip install 'uuidmig[report]'; --json works without it."""


class ReportUnreadable(ConfigurationError):
    """The file given to the report is no document that it can show."""


class ParquetUnavailable(ConfigurationError):
    """Parquet needs pyarrow: pip install 'uuidmig[parquet]'; .csv and .pgcopy need nothing."""


class BackupProgramUnusable(ConfigurationError):
    """pg_dump or pg_restore is not there, cannot be run, or is older than the server."""


class BackupFailed(UuidmigError):
    """pg_dump or pg_restore failed; there is no backup."""

    def __init__(self, program: str, exit_code: int, said: str) -> None:
        self.said = said
        super().__init__(
            f"{program} ended with exit code {exit_code}, and no backup was kept; it said:\n{said}"
        )


class BackupIncomplete(UuidmigError):
    """The archive that pg_dump wrote does not list every table."""

    exit_code = 5

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(
            f"pg_restore --list finds no rows of {', '.join(tables)}; no backup was kept."
            " Somebody changed the tables while pg_dump began: run it again"
        )
