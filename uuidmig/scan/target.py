"""Which uuid7 takes the place of uuid4: Python's own from 3.14 on, `uuidmig.uuid7` before."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from uuidmig.errors import ConfigurationError

_HAS_UUID7 = (3, 14)
_LOWER_BOUND = re.compile(r"(?:>=|~=|==|>)\s*(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Target:
    """The module that gives `uuid7`, and how one knows."""

    module: str
    reason: str


def find_target(python: str | None, start: Path) -> Target:
    """Return the target for a Python version ("3.12"), or for the project that `start` is in.

    The project's version is the lower bound of requires-python in the nearest pyproject.toml.
    ConfigurationError for what is no version.
    """
    if python is not None:
        return _target(_version(python), f"--target-python {python}")
    for folder in (start.resolve(), *start.resolve().parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            return _of_project(file)
    return _target(None, "no pyproject.toml says which Python")


def _of_project(file: Path) -> Target:
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}; give --target-python") from error
    requires = project.get("requires-python") if isinstance(project, dict) else None
    bound = _LOWER_BOUND.search(requires) if isinstance(requires, str) else None
    if bound is None:
        return _target(None, f"{file} does not say which Python")
    return _target((int(bound[1]), int(bound[2])), f"requires-python {requires!r} in {file}")


def _version(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", text)
    if found is None:
        raise ConfigurationError(f"--target-python {text!r} is no version such as 3.12 or 3.14")
    return int(found[1]), int(found[2])


def _target(version: tuple[int, int] | None, reason: str) -> Target:
    own = version is not None and version >= _HAS_UUID7
    return Target("uuid" if own else "uuidmig", reason)
