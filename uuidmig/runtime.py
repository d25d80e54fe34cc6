"""What this Python offers, found out by trying and not by its version number."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import sysconfig
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

MINIMUM, OPTIMAL = "3.12", "3.14"
# Compiled parts that uuidmig loads: one that does not say it can do without turns the GIL on.
_COMPILED = ("psycopg", "sqlalchemy", "pydantic_core", "uuid_utils", "libcst")
_TURNED_ON = re.compile(r"GIL\) has been enabled to load module '([^']+)'")


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """The running interpreter. `gil_enabled` is as it is after the imports; `gil_enabled_by` names
    the modules that turned it on in a free-threaded build. `cores` are those we may use."""

    version: str
    implementation: str
    free_threaded_build: bool
    gil_enabled: bool
    gil_enabled_by: tuple[str, ...]
    platform: str
    cores: int
    features: Mapping[str, bool]
    minimum_version: str = MINIMUM
    optimal_version: str = OPTIMAL


def get_runtime_info() -> RuntimeInfo:
    """Return what the running interpreter is and offers; imports what uuidmig works with."""
    for name in _COMPILED:
        _imported(name)
    built = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    enabled = gil_is_enabled()
    return RuntimeInfo(
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        free_threaded_build=built,
        gil_enabled=enabled,
        gil_enabled_by=_who_turned_it_on() if built and enabled else (),
        platform=f"{platform.system()} {platform.machine()}",
        cores=usable_cores(),
        features={name: _works(probe) for name, probe in _FEATURES.items()},
    )


def gil_is_enabled() -> bool:
    """Return whether threads of this process run Python code one at a time, as of now."""
    # Absent before Python 3.13, where there always was a global interpreter lock.
    enabled: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)
    return enabled is None or enabled()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _imported(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def _who_turned_it_on() -> tuple[str, ...]:
    """Return what a fresh interpreter warns of; here it is too late to see it."""
    code = f"""
from contextlib import suppress
for name in {_COMPILED!r}:
    with suppress(ImportError):
        __import__(name)
"""
    child = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=False
    )
    return tuple(dict.fromkeys(_TURNED_ON.findall(child.stderr)))


def _works(probe: Callable[[], bool]) -> bool:
    try:
        return probe()
    except (ImportError, AttributeError):
        return False


def _uuid7() -> bool:
    make: Callable[[], uuid.UUID] = uuid.uuid7  # type: ignore[attr-defined,unused-ignore]  # 3.14
    return make().version == 7


def _compression_zstd() -> bool:
    zstd = import_module("compression.zstd")  # missing too where Python was built without libzstd
    text = b"uuidmig " * 100
    packed: bytes = zstd.compress(text)
    return len(packed) < len(text) and zstd.decompress(packed) == text


def _improved_errors() -> bool:
    try:
        compile("whille True: pass", "example", "exec")
    except SyntaxError as error:
        return "Did you mean 'while'" in "".join(traceback.format_exception_only(error))
    return False


_FEATURES: dict[str, Callable[[], bool]] = {
    "free_threading": lambda: not gil_is_enabled(),
    "uuid7": _uuid7,
    "compression_zstd": _compression_zstd,
    "improved_errors": _improved_errors,
}
