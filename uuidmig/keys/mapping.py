"""The mapping old key -> new key in Python; `mapping_sql` is the same in SQL (docs/design.md 1).

Whole microseconds all through: a float would move keys of neighbouring rows past one another.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def key_version(key: UUID) -> int:
    """Return the version nibble, whatever the variant bits say (`UUID.version` looks at both)."""
    return key.bytes[6] >> 4


def key_prefix(timestamp: datetime) -> bytes:
    """Return the first 8 bytes of a version 7 key made at `timestamp` (aware, not before 1970)."""
    milliseconds, microseconds = divmod((timestamp - EPOCH) // MICROSECOND, 1000)
    sub_milliseconds = microseconds * 4096 // 1000  # RFC 9562 section 6.2 method 3
    return (milliseconds << 16 | 7 << 12 | sub_milliseconds).to_bytes(8)


def new_key(
    old: UUID,
    timestamp: datetime | None,
    *,
    plan_time: datetime,
    horizon: datetime,
    convert_other: bool = False,
) -> UUID:
    """Return the key that replaces `old`, the key of a row whose root timestamp is `timestamp`.

    Times are aware. No timestamp and one after the `horizon` count as `plan_time`, one before 1970
    as 1970. Only version 4 is mapped, with `convert_other` every version but 7.
    """
    if not is_mapped(old, convert_other=convert_other):
        return old
    return _with_prefix(key_prefix(_clamp(timestamp, plan_time, horizon)), old)


def borrowed_key(
    old: UUID, parent_new: UUID | None, *, plan_time: datetime, convert_other: bool = False
) -> UUID:
    """Return the key that replaces `old` in a table that borrows its time from a parent row.

    `parent_new` is the parent's new key; one that is no version 7 has no time to lend, nor has
    a missing parent: `plan_time` then.
    """
    if not is_mapped(old, convert_other=convert_other):
        return old
    if parent_new is not None and key_version(parent_new) == 7:
        return _with_prefix(parent_new.bytes[:8], old)
    return _with_prefix(key_prefix(plan_time), old)


def is_mapped(key: UUID, *, convert_other: bool = False) -> bool:
    """Tell whether the migration replaces this key."""
    version = key_version(key)
    return version != 7 if convert_other else version == 4


def _clamp(timestamp: datetime | None, plan_time: datetime, horizon: datetime) -> datetime:
    if timestamp is None or timestamp > horizon:
        return plan_time
    return max(timestamp, EPOCH)


def _with_prefix(prefix: bytes, old: UUID) -> UUID:
    return UUID(bytes=prefix + old.bytes[8:])
