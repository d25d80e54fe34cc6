"""The static queries of the measurements: one `.sql` file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import LiteralString, cast


@cache
def load(name: str) -> LiteralString:
    """Return the text of `sql/<name>.sql`, which ships with the package."""
    source = files(__package__).joinpath("sql", f"{name}.sql")
    return cast("LiteralString", source.read_text(encoding="utf-8"))  # type: ignore[redundant-cast]
