"""Which column of a table says when a row was made, judged by type, name and default."""

from __future__ import annotations

import re

from uuidmig.catalog.model import Column, Table
from uuidmig.planner.model import TimestampSource

# Names are compared in lower case without underscores: created_at, createdAt and CREATEDAT agree.
# A name is one of these stems, in order of preference, with or without an affix: date_created.
# fmt: off
_CREATION = ("created", "create", "creation", "inserted", "insert", "added")
_EVENT = (
    "ts", "timestamp", "occurred", "happened", "placed", "ordered", "order", "event", "registered",
    "registration", "signedup", "joined", "submitted", "received", "recorded", "logged", "log",
    "posted", "issued", "opened", "started", "requested", "booked", "enqueued", "sent", "time",
    "at",
)
# fmt: on
_AFFIXES = re.compile(r"(?:date|time)?(.+?)(?:at|on|date|time|timestamp|ts)?")
_NEVER = re.compile(
    r"updat|modif|chang|delet|expir|last|due|valid|until|end|finish|complet|cancel|archiv|remov"
    r"|renew|sync|next|schedul|deadline|birth|touch|refresh|seen"
)
_NOW = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)"
    r"|\b(?:current_timestamp|localtimestamp|current_date)\b|'now'::text",
    re.IGNORECASE,
)
_TYPES = {  # base type -> SQL name without precision, finest first
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "date": "date",
}


def usable_type(column: Column) -> bool:
    """Tell whether a stored column of this type can order keys."""
    return column.base_type in _TYPES and not column.generated


def changes_later(name: str) -> bool:
    """Tell whether a column's name promises something else than the time a row was made."""
    return _NEVER.search(_plain(name)) is not None


def find_own_timestamp(table: Table, time_zone: str) -> TimestampSource | None:
    """Return the column that most probably holds the creation time, None when there is none."""
    candidates = [c for c in table.columns if usable_type(c) and not changes_later(c.name)]
    named = [column for column in candidates if _rank(column) is not None]
    if named:
        best = min(named, key=lambda column: (_rank(column), column.number))
        return own_timestamp(best, time_zone, f"its name says creation time{_support(best)}")
    defaulted = [column for column in candidates if _defaults_to_now(column)]
    if len(defaulted) == 1:
        only = defaulted[0]
        reason = f"the only timestamp that defaults to the present ({only.default})"
        return own_timestamp(only, time_zone, reason)
    return None


def own_timestamp(column: Column, time_zone: str, reason: str) -> TimestampSource:
    """Return the source for a column of the table itself; types without zone get `time_zone`."""
    zone = None if column.base_type == "timestamptz" else time_zone
    return TimestampSource("column", reason, column.name, _TYPES[column.base_type], zone)


def _rank(column: Column) -> tuple[int, bool, int, int] | None:
    """Order of preference: family of names, always filled, finest type, place in the list."""
    stem = _stem(column.name)
    family = _CREATION if stem in _CREATION else _EVENT
    if stem not in family:
        return None
    unfilled = not (column.not_null or _defaults_to_now(column))
    fineness = list(_TYPES).index(column.base_type)
    return family is _EVENT, unfilled, fineness, family.index(stem)


def _stem(name: str) -> str:
    plain = _plain(name)
    affixed = _AFFIXES.fullmatch(plain)
    return plain if plain in _EVENT or affixed is None else affixed[1]


def _support(column: Column) -> str:
    if column.not_null:
        return ", it is NOT NULL"
    if _defaults_to_now(column):
        return f", it defaults to {column.default}"
    return "; rows without it get plan time"


def _defaults_to_now(column: Column) -> bool:
    """True for now() and its kin, False for now() plus an interval: that is no creation time."""
    default = column.default or ""
    return _NOW.search(default) is not None and not re.search(r"[-+]|interval", default)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
