"""Reading a key map, pair by pair, whatever it was written as."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast
from uuid import UUID

from uuidmig.engine.find_keys import KeyPair
from uuidmig.errors import ConfigurationError
from uuidmig.keymap.binary_copy import read_binary
from uuidmig.keymap.compression import open_bytes
from uuidmig.keymap.formats import Format, format_of

HEADER = b"table,old,new\n"
_BUFFER_BYTES = 1 << 17


class KeyMapUnreadable(ConfigurationError):
    """A file that is no key map, or not a whole one."""


def read_map(path: Path) -> Iterator[KeyPair]:
    """Yield the pairs of a file that `export_map` wrote, in its order.

    Raises KeyMapUnreadable with the number of keys before it stopped to be one, ConfigurationError
    for a name that tells no format and for what this Python cannot read, OSError.
    """
    keys = 0
    try:
        for pair in _pairs(path):
            yield pair
            keys += 1
    except (ValueError, EOFError, csv.Error) as error:
        raise KeyMapUnreadable(f"{path}: unreadable after {keys:,} keys: {error}") from error
    except OSError as error:
        if error.errno is None:  # gzip's and pyarrow's, about what is in the file
            raise KeyMapUnreadable(f"{path}: {error}") from error
        raise
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of whichever module there is
            raise
        raise KeyMapUnreadable(f"{path}: {error}") from error


def _pairs(path: Path) -> Iterator[KeyPair]:
    kind = format_of(path)
    if kind is Format.PARQUET:
        from uuidmig.keymap.parquet import read_parquet

        yield from read_parquet(path)
        return
    with open_bytes(path) as file:
        if kind is Format.BINARY:
            with io.BufferedReader(cast("io.RawIOBase", file), _BUFFER_BYTES) as buffered:
                yield from read_binary(buffered)
        else:
            yield from _read_csv(file)


def _read_csv(file: IO[bytes]) -> Iterator[KeyPair]:
    with io.TextIOWrapper(file, "utf-8", newline="") as text:
        rows = csv.reader(text)
        if next(rows, None) != HEADER.decode().strip().split(","):
            raise ValueError("no key map; its first line is not table,old,new")
        for table, old, new in rows:
            yield KeyPair(table, UUID(old), UUID(new))


def find_in_map(path: Path, keys: Sequence[UUID]) -> tuple[KeyPair, ...]:
    """Return the pairs in which the keys occur, on either side; reads the file from end to end.

    Raises KeyMapUnreadable, OSError.
    """
    wanted = set(keys)
    return tuple(pair for pair in read_map(path) if pair.old in wanted or pair.new in wanted)
