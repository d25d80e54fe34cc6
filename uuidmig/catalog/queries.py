"""The catalog queries: one `.sql` file each, with its name and purpose as a comment on top."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def load(name: str) -> LiteralString:
    """Return the text of `sql/<name>.sql`; FileNotFoundError when there is none.

    The cast is safe: the text ships with the package, no value ever gets into it.
    """
    source = files(__package__).joinpath("sql", f"{name}.sql")
    text = source.read_text(encoding="utf-8")
    return cast("LiteralString", text)  # type: ignore[redundant-cast]  # str to mypy
