"""Version 7 keys made in the application, by the best generator there is: uuid-utils (the extra
`fast`) where it is installed, else our own. Never anything but version 7.

Ours is RFC 9562 section 6.2 method 3, as PostgreSQL 18 does it: 48 bits of milliseconds, 12 bits of
the millisecond's fraction, 62 random bits. uuid-utils counts within the millisecond instead.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID, SafeUUID

from uuidmig.keys.mapping import key_prefix

_BATCH = 512  # random halves asked of the kernel at once: a call for each key costs as much as it
_halves = struct.Struct(f"{_BATCH}Q")
_TICKS_MASK = 0xFFF
_VERSION = 0x7000
_VARIANT = 1 << 63
_RANDOM_MASK = (1 << 62) - 1
# The slots themselves: a UUID refuses assignment, and object.__setattr__ looks both up each time.
_set_int = UUID.__dict__["int"].__set__
_set_is_safe = UUID.__dict__["is_safe"].__set__


class OwnGenerator:
    """Keys that rise in one process, whatever its threads do and however its clock steps.

    A tick is 1/4096 millisecond (244 ns) since 1970; each is given out once. When the system clock
    stands still or steps back, the last tick plus one is given. It does not run away from the
    clock: a process cannot make four million keys a second.
    """

    def __init__(self) -> None:
        self._last = 0
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what a forked child would share with its parent: random bits not yet used, and
        a lock that nobody is left to release."""
        self._lock = threading.Lock()
        self._random: list[int] = []

    def __call__(self) -> UUID:
        with self._lock:
            tick = time.time_ns() * 4096 // 1_000_000
            if tick <= self._last:
                tick = self._last + 1
            self._last = tick
            if not self._random:
                self._random.extend(_halves.unpack(os.urandom(_halves.size)))
            random = self._random.pop()
        high = (tick >> 12) << 16 | _VERSION | tick & _TICKS_MASK
        return _uuid(high << 64 | _VARIANT | random & _RANDOM_MASK)


def _uuid(value: int) -> UUID:
    """Return the UUID without the checks of its constructor, which take as long as all the rest."""
    made = UUID.__new__(UUID)
    _set_int(made, value)
    _set_is_safe(made, SafeUUID.unknown)
    return made


def _generator() -> tuple[str, Callable[[], UUID]]:
    """Return the generator to use and its name; uuid-utils only if it does what it should."""
    own = OwnGenerator()
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=own.start_anew)
    try:
        from uuid_utils import compat
    except ImportError:
        return "uuidmig", own
    now = time.time_ns() // 1_000_000
    keys = [compat.uuid7() for _ in range(64)]
    sound = keys == sorted(keys) and all(
        isinstance(key, UUID) and key.version == 7 and abs((key.int >> 80) - now) < 60_000
        for key in keys
    )
    return ("uuid-utils", compat.uuid7) if sound else ("uuidmig", own)


GENERATOR, _make = _generator()
"""The name of the generator in use: "uuid-utils" or "uuidmig"."""


def uuid7() -> UUID:
    """Return a new version 7 key, greater than all that this process made before.

    Safe in threads, with and without the GIL, and after a fork. Two processes order their keys by
    their clocks only.
    """
    return _make()


def uuid7_at(timestamp: datetime) -> UUID:
    """Return a version 7 key for a given aware time from 1970 on, to the microsecond.

    Keeps no state: keys of the same microsecond are in no order.
    """
    random = int.from_bytes(os.urandom(8)) & _RANDOM_MASK
    return _uuid(int.from_bytes(key_prefix(timestamp)) << 64 | _VARIANT | random)


# Django's migrations and pickle write down where a function is from: the public place, that stays.
uuid7.__module__ = uuid7_at.__module__ = "uuidmig"
