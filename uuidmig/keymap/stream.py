"""Key maps as a stream of rows, CSV or binary COPY: compressed in frames that are added in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from uuidmig.keymap import binary_copy
from uuidmig.keymap.compression import packed
from uuidmig.keymap.formats import Format
from uuidmig.keymap.read import HEADER

_FRAME_BYTES = 1 << 16  # before compression: larger ones take memory and are no denser

Rows = Callable[[Iterable[binary_copy.Block]], Iterable[binary_copy.Block]]


class StreamMap:
    """A file under way, to which several sessions add whole frames in any order."""

    def __init__(self, path: Path, file: IO[bytes], copy_format: str, rows: Rows) -> None:
        self.copy_format = copy_format
        self._path = path
        self._file = file
        self._rows = rows
        self._lock = threading.Lock()
        self.keys = 0
        self.raw_bytes = 0

    def add(self, blocks: Iterable[binary_copy.Block], table: str) -> None:
        """Add rows as the server sends them, in frames of a bounded size."""
        frame, keys = bytearray(), 0
        for row in self._rows(blocks):  # the server sends each by itself
            frame += row
            keys += 1
            if len(frame) >= _FRAME_BYTES:
                self.write(frame, keys)
                frame.clear()
                keys = 0
        self.write(frame, keys)

    def write(self, data: bytes | bytearray, keys: int = 0) -> None:
        """Add a frame; nothing for no data."""
        if not data:
            return
        frame = packed(self._path, data)
        with self._lock:
            self._file.write(frame)
            self.keys += keys
            self.raw_bytes += len(data)


@contextmanager
def stream_map(path: Path, file: IO[bytes], kind: Format) -> Iterator[StreamMap]:
    """Yield a map that is written to the file, compressed as the name `path` says."""
    if kind is Format.BINARY:
        target = StreamMap(path, file, "binary", binary_copy.rows_alone)
        target.write(binary_copy.HEADER)
        yield target
        target.write(binary_copy.TRAILER)
    else:
        target = StreamMap(path, file, "csv", iter)
        target.write(HEADER)
        yield target
