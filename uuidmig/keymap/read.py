"""Reading a key map, line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from uuidmig.engine.find_keys import KeyPair
from uuidmig.errors import ConfigurationError
from uuidmig.keymap.compression import open_bytes

HEADER = b"table,old,new\n"


class KeyMapUnreadable(ConfigurationError):
    """A file that is no key map, or not a whole one."""


def read_map(path: Path) -> Iterator[KeyPair]:
    """Yield the pairs of a file that `export_map` wrote, in its order.

    Raises KeyMapUnreadable with the line where it stopped to be one, OSError.
    """
    line = 0
    try:
        with open_bytes(path) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
            rows = csv.reader(text)
            if next(rows, None) != HEADER.decode().strip().split(","):
                raise KeyMapUnreadable(f"{path}: no key map; its first line is not table,old,new")
            for table, old, new in rows:
                line = rows.line_num
                yield KeyPair(table, UUID(old), UUID(new))
    except (ValueError, EOFError, csv.Error) as error:
        raise KeyMapUnreadable(f"{path}: unreadable after line {line}: {error}") from error
    except OSError as error:
        if error.errno is None:  # gzip's, about what is in the file
            raise KeyMapUnreadable(f"{path}: {error}") from error
        raise
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of whichever module there is
            raise
        raise KeyMapUnreadable(f"{path}: {error}") from error


def find_in_map(path: Path, keys: Sequence[UUID]) -> tuple[KeyPair, ...]:
    """Return the pairs in which the keys occur, on either side; reads the file from end to end.

    Raises KeyMapUnreadable, OSError.
    """
    wanted = set(keys)
    return tuple(pair for pair in read_map(path) if pair.old in wanted or pair.new in wanted)
