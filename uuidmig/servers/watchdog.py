"""Removes an embedded server whose owner died without doing so (kill -9, SIGTERM, a crash).

Runs as a process of its own, in its own session, with nothing but the standard library:
`python watchdog.py OWNER_PID HOME DATA`. The owner ends it after a clean stop.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

POLL_SECONDS = 0.2
STOP_SECONDS = 15.0


def stop_server(data: Path) -> None:
    """Immediate shutdown; returns when the server has removed its pid file."""
    pid_file = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        deadline = time.monotonic() + STOP_SECONDS
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def main(owner: int, home: Path, data: Path) -> None:
    # The parent id, not a pipe: worker processes forked by the owner would keep a pipe open.
    while os.getppid() == owner:
        time.sleep(POLL_SECONDS)
    stop_server(data)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
