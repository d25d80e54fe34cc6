"""Figures and names as people read them. Nothing here is meant for programs."""

from __future__ import annotations

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def count(number: float) -> str:
    """Return a whole number with thousands separators: 1234567 -> "1,234,567"."""
    return f"{round(number):,}"


def counted(number: int, noun: str) -> str:
    """Return a number of things whose plural ends in s: 1 table, 1,234 tables."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def size(octets: float) -> str:
    """Return bytes in units of 1024, as pg_size_pretty names them: 1536 -> "1.5 kB"."""
    value, unit = float(octets), 0
    while abs(value) >= 1023.95 and unit < len(_BYTE_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.1f} {_BYTE_UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a length of time in at most two units: 350 ms, 4.2 s, 2 min 05 s, 3 h 20 min."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24:02d} h"


def share(part: int, total: int) -> str:
    """Return a percentage that says 0 % and 100 % only when it is so."""
    if total == 0:
        return "0 %"
    percent = 100 * part / total
    if part > 0 and percent < 0.1:
        return "< 0.1 %"
    if part < total and percent > 99.9:
        return "> 99.9 %"
    return f"{percent:.1f} %" if part not in (0, total) else f"{percent:.0f} %"


def one_line(text: str) -> str:
    """Return the text on one line and without control characters.

    Names come from the database and may hold newlines and escape sequences: a newline would end
    a comment of a script, an escape sequence would reach the terminal.
    """
    return "".join(char if char.isprintable() else " " for char in text)
