"""Making a backup: one snapshot, in which the tables still have their old keys."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.errors import LockNotAvailable, QueryCanceled

from uuidmig.backup.contents import Contents, arguments, read_contents
from uuidmig.backup.programs import Output, Programs, connection_for, find_programs, run
from uuidmig.catalog.model import RelationName
from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.planning import make_plan
from uuidmig.errors import (
    BackupFailed,
    BackupIncomplete,
    ConfigurationError,
    LockNotObtained,
    WrongState,
)
from uuidmig.planner.model import Plan, PlanOptions
from uuidmig.planner.partitions import all_members
from uuidmig.steps.names import retired_schemas
from uuidmig.whole_file import appearing_whole

_OWNER_ONLY = 0o600
_ROWS_OF = re.compile(r"^\d+; \d+ (\d+) TABLE DATA ", re.MULTILINE)  # of the table with that oid
_NO_ZSTD = "does not support compression with"


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive in pg_dump's custom format. `tables` are those whose rows are in it.

    `compression` is zstd or gzip, `state` that of the run (None: none was under way).
    """

    file: Path
    bytes: int
    seconds: float
    compression: str
    pg_dump: str
    state: str | None
    tables: tuple[RelationName, ...]
    warnings: tuple[str, ...]


def back_up(
    dsn: str,
    path: Path,
    options: PlanOptions,
    *,
    programs: Path | None = None,
    lock_timeout_ms: int = 500,
) -> Backup:
    """Write all definitions and the rows of the tables to migrate to a file for pg_restore.

    Before the cutover only: afterwards the tables have new keys. `options` choose the tables where
    no run is under way, `programs` is the folder of pg_dump (None: PATH). The file is there when it
    is whole and every table was found in it. Raises ConfigurationError for a file that is there,
    BackupProgramUnusable, WrongState, NothingToMigrate, LockNotObtained, BackupFailed,
    BackupIncomplete, OSError.
    """
    started = time.monotonic()
    if path.exists():
        raise ConfigurationError(f"{path} is there already and was not overwritten; name another")
    with connect(dsn, "backup") as connection, _telling_lock(connection, lock_timeout_ms):
        timeout = sql.SQL("SET lock_timeout = {}").format(sql.Literal(lock_timeout_ms))
        connection.execute(timeout)
        tools = find_programs(connection.info.server_version // 10000, programs)
        run_there = journal.find_run(connection)
        plan = run_there.plan if run_there else make_plan(dsn, options)
        with _snapshot(connection, plan) as (snapshot, state):
            contents = read_contents(connection, plan, under_way=state is not None)
            with appearing_whole(path, _OWNER_ONLY) as unfinished:
                command = _command(tools, snapshot, contents, lock_timeout_ms)
                codec = connection.info.encoding  # pg_dump's is the same: neither asks for one
                written, compression = _dump(tools, dsn, command, unfinished, codec)
                _check(tools, unfinished, contents)
    return Backup(
        file=path,
        bytes=path.stat().st_size,
        seconds=round(time.monotonic() - started, 3),
        compression=compression,
        pg_dump=tools.version,
        state=state,
        tables=tuple(sorted(contents.tables.values(), key=str)),
        warnings=written.warnings,
    )


@contextmanager
def _snapshot(connection: Connection, plan: Plan) -> Iterator[tuple[str, str | None]]:
    """Yield a snapshot for pg_dump and the state of the run in it.

    The tables are locked first (ACCESS SHARE, as pg_dump does): no cutover comes in between.
    Who asks for ACCESS EXCLUSIVE between our locks and pg_dump's waits for us, and pg_dump for him:
    for ever, and all writers with them, did not both of our waits end.
    """
    if plan.default_only:
        raise WrongState("the strategy default-only changes no row: there is nothing to back up")
    if connection.info.server_version >= 170000:
        connection.execute("SET transaction_timeout = 0")
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        names = sql.SQL(", ").join(member.name.identifier for member in all_members(plan))
        connection.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(names))
        run_there = journal.find_run(connection)
        if run_there is not None:
            _require_old_keys(run_there)
        snapshot = journal.scalar(connection, sql.SQL("SELECT pg_export_snapshot()"))
        yield str(snapshot), run_there.state if run_there else None


def _require_old_keys(run_there: journal.Run) -> None:
    if run_there.state in ("cutover", "validated"):
        places = ", ".join(retired_schemas(run_there.plan))
        raise WrongState(
            "after the cutover the tables have new keys: a backup of them would not hold what was"
            f" before. Until `uuidmig finish` the old rows, as of the cutover, are in {places}"
            " (pg_dump --schema=…), and `uuidmig export-map` writes old and new keys to a file"
        )


@contextmanager
def _telling_lock(connection: Connection, lock_timeout_ms: int) -> Iterator[None]:
    """Raise LockNotObtained where we, or pg_dump, waited too long for a lock."""
    try:
        yield
    except (LockNotAvailable, BackupFailed) as error:
        if isinstance(error, BackupFailed) and not _has_timed_out(connection, error):
            raise
        raise LockNotObtained(
            f"a table was locked for more than {lock_timeout_ms} ms by somebody else, who has"
            " ACCESS EXCLUSIVE or waits for it (ALTER, TRUNCATE, VACUUM FULL …); no backup was"
            " kept, try again later"
        ) from error


def _has_timed_out(connection: Connection, error: BackupFailed) -> bool:
    """Return whether pg_dump failed by its --lock-wait-timeout, the only timeout it sets.

    It prints the server's message in the server's language and no SQLSTATE, and only a superuser
    may choose the language (lc_messages). So we have the server say the same to us.
    """
    try:
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 1")
            connection.execute("SELECT pg_sleep(10)")
    except QueryCanceled as timeout:
        return (timeout.diag.message_primary or "\n") in error.said
    except psycopg.Error:
        pass  # without the server no word of it; why pg_dump failed is more to the point
    return False


def _command(
    tools: Programs, snapshot: str, contents: Contents, lock_timeout_ms: int
) -> tuple[str, ...]:
    return (
        *(str(tools.dump), "--format=custom", f"--snapshot={snapshot}", "--no-password"),
        *(f"--lock-wait-timeout={lock_timeout_ms}", *arguments(contents)),
    )


def _dump(
    tools: Programs, dsn: str, command: Sequence[str], file: Path, codec: str
) -> tuple[Output, str]:
    """Run pg_dump; return what it said, and how it compressed."""
    conninfo, variables = connection_for(dsn)
    command = (*command, f"--file={file}", f"--dbname={conninfo}")
    if tools.may_know_zstd:
        try:
            return run([*command, "--compress=zstd"], variables, codec), "zstd"
        except BackupFailed as error:  # before it connected
            if _NO_ZSTD not in error.said:
                raise
    return run([*command, "--compress=6"], variables, codec), "gzip"


def _check(tools: Programs, file: Path, contents: Contents) -> None:
    """Raise BackupIncomplete unless the archive lists the rows of every table."""
    listed = {int(oid) for oid in _ROWS_OF.findall(run([tools.restore, "--list", file]).text)}
    if missing := [str(name) for oid, name in contents.tables.items() if oid not in listed]:
        raise BackupIncomplete(missing)
