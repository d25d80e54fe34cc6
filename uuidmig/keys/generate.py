"""Version 7 keys made in the application: RFC 9562 section 6.2 method 3, as PostgreSQL 18 does.

48 bits of milliseconds, 12 bits of the millisecond's fraction, 62 random bits.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from uuid import UUID

from uuidmig.keys.mapping import key_prefix


class _Clock:
    """Ticks of 1/4096 millisecond (244 ns) since 1970, each given out once, always rising.

    When the system clock stands still or steps back, the last tick plus one is given. It does not
    run away from the clock: a process cannot make four million keys a second.
    """

    def __init__(self) -> None:
        self._last = 0
        self.renew_lock()

    def renew_lock(self) -> None:
        """Replace the lock: in a forked child nobody is left who would release the old one."""
        self._lock = threading.Lock()

    def tick(self) -> int:
        with self._lock:
            self._last = max(time.time_ns() * 4096 // 1_000_000, self._last + 1)
            return self._last


_clock = _Clock()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_clock.renew_lock)


def uuid7() -> UUID:
    """Return a new version 7 key, greater than all that this process made before.

    Safe in threads and after a fork. Two processes order their keys by their clocks only.
    """
    milliseconds, fraction = divmod(_clock.tick(), 4096)
    return UUID(bytes=(milliseconds << 16 | 7 << 12 | fraction).to_bytes(8) + _random_half())


def uuid7_at(timestamp: datetime) -> UUID:
    """Return a version 7 key for a given aware time from 1970 on, to the microsecond.

    Keys of the same microsecond are in no order.
    """
    return UUID(bytes=key_prefix(timestamp) + _random_half())


def _random_half() -> bytes:
    """Return variant and random bits, from the kernel: never the same in two forked processes."""
    bits = int.from_bytes(os.urandom(8)) & (2**62 - 1)
    return (1 << 63 | bits).to_bytes(8)


# Django's migrations and pickle write down where a function is from: the public place, that stays.
uuid7.__module__ = uuid7_at.__module__ = "uuidmig"
