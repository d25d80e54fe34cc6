"""What makes new keys, told from a column's default."""

from __future__ import annotations

import re

from uuidmig.catalog.model import Column
from uuidmig.planner.model import Generator

_SCHEMA = r'(?:(?:"(?:[^"]|"")+"|[\w$]+)\.)?'
_UUID4 = re.compile(_SCHEMA + r"(?:gen_random_uuid|uuid_generate_v4|uuidv4)\(\)")
_UUID7 = re.compile(_SCHEMA + r"(?:uuidv7|uuid7|uuid_v7|uuid_generate_v7|gen_random_uuid_v7)\(.*\)")


def find_generator(column: Column, server_version: int) -> Generator:
    """Return what makes the keys of `column` now and, for a uuid4 default, what will later."""
    return classify(effective_default(column), server_version)


def classify(default: str | None, server_version: int) -> Generator:
    """Return what makes keys under this default, an expression as the catalog shows it."""
    if default is None:
        return Generator("application")
    if _UUID4.fullmatch(default):
        return Generator("server", default, _new_default(server_version))
    if _UUID7.fullmatch(default):
        return Generator("server_v7", default)
    return Generator("other", default)


def effective_default(column: Column) -> str | None:
    """Return what a row without a value gets: the column's default, else that of its domain."""
    return column.domain_default if column.default is None else column.default


def _new_default(server_version: int) -> str:
    return "uuidv7()" if server_version >= 180000 else "uuidmig_keys.uuidv7()"
