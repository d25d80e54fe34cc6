"""Places where a test makes the process die as `kill -9` would.

`UUIDMIG_FAILPOINT=copy:3` kills the process when the failpoint `copy` is passed for the third time.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

_passed: Counter[str] = Counter()
_lock = threading.Lock()


def failpoint(name: str) -> None:
    """Die here when UUIDMIG_FAILPOINT names this place; do nothing otherwise."""
    wanted = os.environ.get("UUIDMIG_FAILPOINT")
    if not wanted:
        return
    place, _, count = wanted.partition(":")
    if place != name:
        return
    with _lock:
        _passed[name] += 1
        if _passed[name] >= int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
