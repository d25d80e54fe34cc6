"""JSON for programs: one document a command, keys in snake_case, sizes in bytes, times in UTC."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from uuidmig.catalog.model import RelationName
from uuidmig.planner.model import ColumnName

SCHEMA_VERSION = 1
"""Grows when a key is renamed, removed or changes its meaning; not when one is added."""


def document(payload: Mapping[str, object]) -> str:
    """Return the payload as one indented JSON document that starts with `schema_version`."""
    body = {"schema_version": SCHEMA_VERSION, **payload}
    return json.dumps(plain(body), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: object) -> object:
    """Return the value in terms of dict, list, str, numbers, bool and None.

    Dataclasses become dicts, names of tables and columns text, datetimes ISO 8601 in UTC.
    TypeError for what has no such form.
    """
    match value:
        case None | bool() | int() | float() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return plain(value.value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case UUID() | PurePath() | RelationName() | ColumnName():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence() | Set():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
            }
    raise TypeError(f"no JSON form for {type(value).__name__}")
