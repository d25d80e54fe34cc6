"""Files that appear under their name when they are whole, and on disk when they appear."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def appearing_whole(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Yield the name of an empty file beside `path` that takes its place after the block.

    It ends in .part, and `mode` is what umask leaves of it. When the block fails it is removed, and
    what was at `path` stays; what kill -9 leaves behind keeps the other name. Raises OSError.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield unfinished
        _to_disk(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _to_disk(path.parent)  # the name


def _to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
