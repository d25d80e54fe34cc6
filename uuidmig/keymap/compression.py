"""Compressing and reading key maps: zstd where this Python has it, gzip, or as they are.

Python 3.14 has zstd in its standard library (PEP 784), older ones in the package backports.zstd,
which the extra `fast` brings.
"""

from __future__ import annotations

import gzip
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from uuidmig.errors import ConfigurationError

ZSTD_LEVEL = 1  # higher ones take longer and leave more: they see matches in random digits
GZIP_LEVEL = 6


def zstd() -> Any:  # a module that mypy's oldest Python does not know
    """Return the zstd module there is, None when there is none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def writable(path: Path) -> Path:
    """Return where to write instead: map.csv.gz for map.csv.zst on a Python without zstd."""
    return path.with_suffix(".gz") if path.suffix == ".zst" and zstd() is None else path


def packed(path: Path, data: bytes | bytearray) -> bytes:
    """Return the data as a frame of the kind that the file's last suffix names (.zst, .gz, none).

    Frames one after the other are a file of that kind.
    """
    if path.suffix == ".zst":
        return cast("bytes", zstd().compress(data, level=ZSTD_LEVEL))
    if path.suffix == ".gz":
        return gzip.compress(data, GZIP_LEVEL)
    return bytes(data)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressing it as its suffix says.

    Raises ConfigurationError when this Python cannot read zstd, OSError.
    """
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    if path.suffix != ".zst":
        return path.open("rb")
    module = zstd()
    if module is None:
        raise ConfigurationError(
            f"{path}: this Python has no zstd; use Python 3.14, or pip install 'uuidmig[fast]'"
        )
    return cast("IO[bytes]", module.open(path))


def open_to_write(path: Path) -> IO[bytes]:
    """Open a file for writing, compressing it as its suffix says; see `open_bytes`."""
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "wb", compresslevel=GZIP_LEVEL))
    if path.suffix != ".zst":
        return path.open("wb")
    module = zstd()
    if module is None:
        raise ConfigurationError(
            f"{path}: this Python has no zstd; use Python 3.14, or pip install 'uuidmig[fast]'"
        )
    return cast("IO[bytes]", module.open(path, "wb"))
