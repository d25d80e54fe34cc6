"""Durations as people and Postgres write them: 500ms, 2s, 1min."""

from __future__ import annotations

import re

_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h)?\s*")


def parse_milliseconds(text: str) -> int:
    """Return the milliseconds of "500ms", "2s", "1.5min" or "1h".

    A number without a unit counts milliseconds, as it does for Postgres' own lock_timeout.
    ValueError for anything else, and for zero.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write 500ms, 2s or 1min")
    milliseconds = round(float(match[1]) * _MILLISECONDS[match[2] or "ms"])
    if milliseconds == 0:
        raise ValueError(f"{text!r} is no time at all; write 500ms, 2s or 1min")
    return milliseconds
