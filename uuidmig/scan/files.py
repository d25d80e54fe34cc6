"""Which files a scan reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from uuidmig.errors import ConfigurationError

_SKIPPED = frozenset(
    (
        *("__pycache__", "__pypackages__", "node_modules", "site-packages"),
        *("venv", "env", "build", "dist", "htmlcov"),
    )
)
"""Folders of tools and of other people's code; those that begin with a dot are skipped, too."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The Python files in order, and how many notebooks lie beside them."""

    python: tuple[Path, ...]
    notebooks: int


def find_sources(paths: Sequence[Path], exclude: Sequence[str]) -> Sources:
    """Return the files below `paths`; a file that is named itself is read whatever its name.

    `exclude` are globs for a file's or folder's name, or for its path below the given one.
    ConfigurationError for a path that is not there.
    """
    python: dict[Path, None] = {}
    notebooks = 0
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"{path} is not there")
        for file in _walk(path, exclude) if path.is_dir() else (path,):
            if file.suffix == ".ipynb":
                notebooks += 1
            else:
                python[file] = None
    return Sources(tuple(python), notebooks)


def _walk(root: Path, exclude: Sequence[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not _is_skipped(here / name) and not _is_excluded(here / name, root, exclude)
        )
        for name in sorted(names):
            if name.endswith((".py", ".ipynb")) and not _is_excluded(here / name, root, exclude):
                yield here / name


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    # A folder of this name may be the project's own, an environment of another name is none.
    is_environment = (folder / "pyvenv.cfg").exists()
    return name.startswith(".") or name in _SKIPPED or is_environment


def _is_excluded(path: Path, root: Path, exclude: Sequence[str]) -> bool:
    below = path.relative_to(root).as_posix()
    return any(
        fnmatch(path.name, glob) or fnmatch(below, glob.removesuffix("/")) for glob in exclude
    )
