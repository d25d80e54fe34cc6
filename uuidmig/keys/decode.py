"""What a key says about itself: version, time, counter and random bits (RFC 9562 section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuidmig.keys.mapping import EPOCH, key_version

# Versions 1 and 6 count 100 ns from the Gregorian calendar's first day (RFC 9562 section 5.1).
_GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
_WHAT = {
    1: "time and node",
    2: "DCE security",
    3: "MD5 of a name",
    4: "random",
    5: "SHA-1 of a name",
    6: "time and node, sortable",
    7: "Unix time and random, sortable",
    8: "custom",
}


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What one key holds. `version` None: its variant bits are not those of RFC 9562.

    `created_at` is as exact as `precision` says, None where the key has no time. `bits` are the
    fields by their names in the RFC, as integers.
    """

    key: UUID
    version: int | None
    meaning: str
    created_at: datetime | None = None
    precision: str | None = None
    finer_created_at: datetime | None = None
    bits: Mapping[str, int] = field(default_factory=dict)


def decode(key: UUID) -> KeyFacts:
    """Return what a key of any version says about itself.

    `finer_created_at` is the time of a version 7 key with the 12 bits after the version read as a
    fraction of the millisecond (RFC 9562 section 6.2 method 3): PostgreSQL 18 and uuidmig write
    them so; elsewhere they may be a counter or random, and then only `created_at` means something.
    """
    if key.int >> 62 & 0b11 != 0b10:
        return KeyFacts(key, None, "not of the variant of RFC 9562")
    version = key_version(key)
    meaning = _WHAT.get(version, "of no known version")
    match version:
        case 1 | 6:
            made = _gregorian_time(_ticks(key, version))
            return KeyFacts(key, version, meaning, made, "100 ns", bits=_node_bits(key, version))
        case 4:
            bits = {"random_a": key.int >> 80, "random_b": _rand_a(key), "random_c": _rand_b(key)}
            return KeyFacts(key, version, meaning, bits=bits)
        case 7:
            bits = {"unix_ts_ms": key.int >> 80, "rand_a": _rand_a(key), "rand_b": _rand_b(key)}
            made = _unix_time(milliseconds=key.int >> 80)
            return KeyFacts(key, version, meaning, made, "1 ms", key_time(key), bits)
        case 8:
            bits = {"custom_a": key.int >> 80, "custom_b": _rand_a(key), "custom_c": _rand_b(key)}
            return KeyFacts(key, version, meaning, bits=bits)
        case _:
            return KeyFacts(key, version, meaning)


def key_time(key: UUID) -> datetime | None:
    """Return when a version 7 key was made, in UTC; None for other versions and years over 9999.

    The 12 bits after the version are read as a fraction of the millisecond (RFC 9562 section 6.2
    method 3), which is how uuidmig and PostgreSQL 18 write them. In a key from elsewhere they may
    be random: then only the milliseconds mean something.
    """
    if key_version(key) != 7:
        return None
    # Rounded up: the mapping rounds the fraction down, and this gives its microsecond back.
    return _unix_time(key.int >> 80, min(999, -(-_rand_a(key) * 1000 // 4096)))


def _unix_time(milliseconds: int, microseconds: int = 0) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=milliseconds, microseconds=microseconds)
    except OverflowError:
        return None


def _gregorian_time(ticks: int) -> datetime | None:
    try:
        return _GREGORIAN + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def _ticks(key: UUID, version: int) -> int:
    high, low = key.int >> 80, _rand_a(key)
    if version == 6:
        return high << 12 | low
    return low << 48 | (high & 0xFFFF) << 32 | high >> 16


def _node_bits(key: UUID, version: int) -> dict[str, int]:
    return {
        "timestamp": _ticks(key, version),
        "clock_seq": key.int >> 48 & 0x3FFF,
        "node": key.int & 0xFFFF_FFFF_FFFF,
    }


def _rand_a(key: UUID) -> int:
    return key.int >> 64 & 0xFFF


def _rand_b(key: UUID) -> int:
    return key.int & (1 << 62) - 1
