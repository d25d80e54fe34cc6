"""The command `uuidmig` as a process of its own: how long it ran, how much memory it took."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from uuidmig.errors import UuidmigError

_PROGRAM = "from uuidmig.cli import main; main()"
_LOG_TAIL_LINES = 20


class CommandFailed(UuidmigError):
    """The command that is measured failed."""


@dataclass(frozen=True, slots=True)
class ClientRun:
    """`memory_bytes` is the largest resident set of the process."""

    seconds: float
    memory_bytes: int


def run_command(dsn: str, *arguments: str) -> ClientRun:
    """Run `uuidmig <arguments>` on that database to its end. Raises CommandFailed.

    The kernel counts the memory of the process that forked, too: the figure is never less than
    what this program takes itself.
    """
    with tempfile.TemporaryFile() as log:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            env=_environment(dsn),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        memory = _wait(process)
        seconds = time.monotonic() - started
        if process.returncode != 0:
            raise CommandFailed(
                f"`uuidmig {' '.join(arguments)}` ended with exit code {process.returncode};"
                f" it said:\n{_tail(log)}"
            )
    return ClientRun(seconds, memory)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Return the largest resident set in bytes."""
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _environment(dsn: str) -> Mapping[str, str]:
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(("PG", "UUIDMIG_"))
    }
    return {**kept, "UUIDMIG_DSN": dsn}


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n".join(log.read().decode(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
