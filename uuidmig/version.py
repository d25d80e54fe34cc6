"""The version of this program."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def tool_version() -> str:
    """Return the version of the installed distribution, e.g. "0.1.0"."""
    try:
        return version("uuidmig")
    except PackageNotFoundError:
        return "0+source"  # run from a source tree that was never installed
