"""`uuidmig` in a process of its own that a test may kill.

The processes are forked from a server that has imported the program once: starting an interpreter
for each of the many crashes would take most of the time of the tests.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["uuidmig.cli.app", "uuidmig.engine", "alembic.command"])
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: its exit code, negative for a signal, and what it wrote."""

    code: int
    output: str


@dataclass(frozen=True, slots=True)
class Running:
    """A command at work."""

    process: ForkServerProcess
    output: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> Finished:
        """Return how it ended; what it wrote is gone afterwards."""
        self.process.join(_PATIENCE_SECONDS)
        code, text = self.process.exitcode, self.output.read_text()
        self.output.unlink()
        if code is None:
            self.process.kill()
            raise AssertionError(f"still at work: {text}")
        return Finished(code, text)


def start(dsn: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Running:
    """Start `uuidmig …` on that database."""
    with tempfile.NamedTemporaryFile(prefix="uuidmig-test-", delete=False) as file:
        output = Path(file.name)
    argv = ["uuidmig", *arguments, "--dsn", dsn]
    process = _SERVER.Process(target=_main, args=(argv, dict(environment or {}), str(output)))
    process.start()
    return Running(process, output)


def run(dsn: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run `uuidmig …` on that database to its end."""
    return start(dsn, *arguments, environment=environment).wait()


def run_into(dsn: str, failpoint: str, *arguments: str) -> None:
    """Run `uuidmig …` until the failpoint kills it."""
    ended = run(dsn, *arguments, environment={"UUIDMIG_FAILPOINT": failpoint})
    assert ended.code == -signal.SIGKILL, ended


def _main(argv: list[str], environment: dict[str, str], output: str) -> None:
    with open(output, "wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.update(environment)
    sys.argv = argv
    from uuidmig.cli import main

    main()


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = _PATIENCE_SECONDS
) -> None:
    """Return when the condition holds; AssertionError when it does not in time (a minute)."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)
