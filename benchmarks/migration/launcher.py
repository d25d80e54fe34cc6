"""Run a command and print how long it ran, its largest resident set and its exit code, as JSON.

A program of its own, because the kernel starts a process's peak at the memory of the one that
forked it: this one is small whatever the benchmark holds. Needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(command: list[str]) -> None:
    """Run the command with its standard output thrown away."""
    quiet = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    started = time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[quiet])
    _, status, usage = os.wait4(pid, 0)
    result = {
        "seconds": time.monotonic() - started,
        # Bytes on macOS, kilobytes elsewhere (getrusage(2)).
        "memory_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
