"""What a key says about itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from uuidmig.keys.mapping import EPOCH, key_version


def key_time(key: UUID) -> datetime | None:
    """Return when a version 7 key was made, in UTC; None for other versions and years over 9999.

    The 12 bits after the version are read as a fraction of the millisecond (RFC 9562 section 6.2
    method 3), which is how uuidmig and PostgreSQL 18 write them. In a key from elsewhere they may
    be random: then only the milliseconds mean something.
    """
    if key_version(key) != 7:
        return None
    milliseconds = int.from_bytes(key.bytes[:6])
    fraction = int.from_bytes(key.bytes[6:8]) & 0xFFF
    # Rounded up: the mapping rounds the fraction down, and this gives its microsecond back.
    microseconds = min(999, -(-fraction * 1000 // 4096))
    try:
        return EPOCH + timedelta(milliseconds=milliseconds, microseconds=microseconds)
    except OverflowError:
        return None
