"""What figures depend on besides the code: machine, interpreter, driver. Never a host's name."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import psycopg
from psycopg import pq

from uuidmig.runtime import gil_is_enabled

_SOURCES = Path(__file__).parents[2]
_BUILD_OPTIONS = (
    *("--enable-optimizations", "--with-lto", "--enable-bolt", "--enable-shared"),
    *("--with-tail-call-interp", "--enable-experimental-jit", "--with-pydebug", "--disable-gil"),
)


def machine_info() -> dict[str, object]:
    """Return `machine_info` of a results file: pytest-benchmark's keys without the host's name.

    Further keys are ours: whether the interpreter has a GIL, and which psycopg is in use.
    """
    return {
        "processor": platform.processor(),
        "machine": platform.machine(),
        "python_compiler": platform.python_compiler(),
        "python_implementation": platform.python_implementation(),
        "python_implementation_version": platform.python_version(),
        "python_version": platform.python_version(),
        "python_build": list(platform.python_build()),
        "python_configured_with": _configured_with(),
        "python_free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "python_gil_enabled": gil_is_enabled(),
        "release": platform.release(),
        "system": platform.system(),
        "cpu": {"brand_raw": _cpu_brand(), "count": os.cpu_count()},
        "memory_bytes": _memory_bytes(),
        "psycopg": {
            "version": psycopg.__version__,
            "implementation": pq.__impl__,
            "libpq": pq.version(),
        },
    }


def commit_info() -> dict[str, object]:
    """Return `commit_info` of a results file: of uuidmig's own sources, wherever it is run.

    An installed uuidmig has no commit: its `id` is "unversioned".
    """
    described = _git("describe", "--dirty", "--always", "--long", "--abbrev=40", "--exclude=*")
    commit = (described or "unversioned").removesuffix("-dirty")
    return {
        "id": commit,
        "time": _git("show", "-s", "--format=%cI"),
        "author_time": _git("show", "-s", "--format=%aI"),
        "dirty": (described or "").endswith("-dirty"),
        "project": "uuidmig",
        "branch": _git("rev-parse", "--abbrev-ref", "HEAD") or "(unknown)",
    }


def _configured_with() -> list[str]:
    """Return the options of the interpreter's build that decide on its speed.

    A distribution that optimises by other means than these options does not tell.
    """
    given = shlex.split(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return [option for option in given if option.startswith(_BUILD_OPTIONS)]


def _cpu_brand() -> str:
    """Return the processor's name; "" where Linux's /proc/cpuinfo is missing or has none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None  # Windows


def _git(*arguments: str) -> str | None:
    # Installed into somebody's project, the sources' parents may be a repository that is not ours.
    if not (_SOURCES / ".git").exists():
        return None
    command = ["git", "-C", str(_SOURCES), *arguments]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
