"""The generators of this interpreter, by name."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Mapping
from uuid import UUID

import uuidmig
from uuidmig.keys.generate import OwnGenerator

STANDARD_LIBRARY = "stdlib uuid7"

Generator = Callable[[], UUID]


def version_7_generators() -> Mapping[str, Generator]:
    """Return what makes version 7 keys here: `uuidmig.uuid7` as applications call it, its own
    generator alone, and where they exist the standard library's and uuid-utils'."""
    found: dict[str, Generator | None] = {
        "uuidmig.uuid7": uuidmig.uuid7,
        "uuidmig's own": OwnGenerator(),
        STANDARD_LIBRARY: standard_library(),
        "uuid-utils": uuid_utils(),
    }
    return {name: make for name, make in found.items() if make is not None}


def standard_library() -> Generator | None:
    """Return `uuid.uuid7`, None before Python 3.14."""
    return getattr(uuid, "uuid7", None)


def uuid_utils() -> Generator | None:
    """Return uuid-utils' generator of the standard library's UUID, None if it is not installed."""
    try:
        module = importlib.import_module("uuid_utils.compat")
    except ImportError:
        return None
    made: Generator = module.uuid7
    return made
