"""pg_dump and pg_restore: where they are, of which version, and what they say when they fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from uuidmig.errors import BackupFailed, BackupProgramUnusable, ConfigurationError
from uuidmig.servers.dsn import SECRETS

_ZSTD_SINCE = 16


@dataclass(frozen=True, slots=True)
class Programs:
    """pg_dump with the pg_restore beside it. `version` is "18.6", `major` 18."""

    dump: Path
    restore: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    @property
    def may_know_zstd(self) -> bool:
        """Whether this release has zstd, if it was built with it."""
        return self.major >= _ZSTD_SINCE


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote to standard output, and what it warned of."""

    text: str
    warnings: tuple[str, ...]


def find_programs(server_major: int, folder: Path | None = None) -> Programs:
    """Return the programs in `folder`, else on PATH. Raises BackupProgramUnusable.

    pg_dump reads servers of its own version and of older ones, never of a newer one.
    """
    found = shutil.which("pg_dump", path=None if folder is None else str(folder))
    if found is None:
        raise BackupProgramUnusable(
            f"there is no pg_dump {'on PATH' if folder is None else f'in {folder}'}; install the"
            f" client programs of PostgreSQL {server_major} or later, or put their folder on PATH"
        )
    dump = Path(found)
    restore = shutil.which("pg_restore", path=str(dump.parent)) or shutil.which("pg_restore")
    if restore is None:
        raise BackupProgramUnusable(
            f"there is no pg_restore beside {dump}, which reads what it writes"
        )
    programs = Programs(dump, Path(restore), _version(dump))
    if programs.major < server_major:
        raise BackupProgramUnusable(
            f"{dump} is of version {programs.version} and the server of {server_major}:"
            f" pg_dump must be at least as new as the server; put that of {server_major} first on"
            " PATH"
        )
    return programs


def _version(program: Path) -> str:
    said = run([program, "--version"]).text.strip()
    if (found := re.search(r"\(PostgreSQL\) (\d+\S*)", said)) is None:
        raise BackupProgramUnusable(f"{program} --version says {said!r}, which tells no version")
    return found[1]


def connection_for(dsn: str) -> tuple[str, Mapping[str, str]]:
    """Return the connection string without its secrets, and the variables that hold them.

    Everybody on the machine sees a command line. Raises ConfigurationError for secrets that libpq
    takes from nowhere else.
    """
    options = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    secrets = {name: options.pop(name) for name in SECRETS & options.keys()}
    variables = {"PGPASSWORD": secrets.pop("password")} if "password" in secrets else {}
    if secrets:
        raise ConfigurationError(
            f"pg_dump would show {', '.join(sorted(secrets))} on its command line; put it into a"
            " service file and connect with service=NAME"
        )
    return make_conninfo(**options), variables


def run(
    command: Sequence[str | Path],
    variables: Mapping[str, str] | None = None,
    codec: str | None = None,
) -> Output:
    """Run a program to its end. Raises BackupFailed with what it said; ends it when we end.

    It speaks English itself; a server that it quotes speaks its own language, in the `codec` of
    the connection (None: that of the locale).
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding=codec,
            errors="replace",
            env={**os.environ, **(variables or {}), "LC_ALL": "C"},
        )
    except OSError as error:
        raise BackupProgramUnusable(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        output, said = process.communicate()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode:
        raise BackupFailed(Path(command[0]).name, process.returncode, said.strip())
    return Output(output, tuple(said.splitlines()))
