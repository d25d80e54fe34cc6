"""The command `uuidmig` as a process of its own: how long it ran, how much memory it took."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.migration import launcher
from uuidmig.errors import UuidmigError

_UUIDMIG = (sys.executable, "-c", "from uuidmig.cli import main; main()")
_LOG_TAIL_LINES = 20


class CommandFailed(UuidmigError):
    """The command that is measured failed."""


@dataclass(frozen=True, slots=True)
class ClientRun:
    """`memory_bytes` is the largest resident set of the process."""

    seconds: float
    memory_bytes: int


def run_command(dsn: str, *arguments: str) -> ClientRun:
    """Run `uuidmig <arguments>` on that database to its end. Raises CommandFailed."""
    return run_program([*_UUIDMIG, *arguments], {**_environment(), "UUIDMIG_DSN": dsn})


def run_program(command: Sequence[str], environment: Mapping[str, str]) -> ClientRun:
    """Run a program, given by its full path, to its end. Raises CommandFailed."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", launcher.__file__, *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # so that both end when we are interrupted
    )
    try:
        output, log = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return _result(command, output, log)


def _result(command: Sequence[str], output: str, log: str) -> ClientRun:
    # No output: the launcher itself could not start the program.
    result = json.loads(output or '{"exit_code": "unknown"}')
    if result["exit_code"] != 0:
        tail = "\n".join(log.splitlines()[-_LOG_TAIL_LINES:])
        raise CommandFailed(
            f"`{' '.join(command)}` ended with exit code {result['exit_code']}; it said:\n{tail}"
        )
    return ClientRun(result["seconds"], result["memory_bytes"])


def _environment() -> Mapping[str, str]:
    """Return what an installed command finds: none of our settings, and compiled modules."""
    unwanted = ("PG", "UUIDMIG_", "PYTHONDONTWRITEBYTECODE")
    return {name: text for name, text in os.environ.items() if not name.startswith(unwanted)}
