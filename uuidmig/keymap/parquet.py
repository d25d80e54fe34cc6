"""Key maps as Parquet, for warehouses: columns of type UUID, by pyarrow, which is an extra."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from uuidmig.engine.find_keys import KeyPair
from uuidmig.errors import ParquetUnavailable
from uuidmig.keymap.binary_copy import Block, row_width, rows_alone

_COLUMNS = ["table", "old", "new"]
_GROUP_ROWS = 1 << 17  # 4 MB of keys
_READ_ROWS = 10_000
_UUID = 16


class ParquetMap:
    """A file under way, to which several sessions add row groups."""

    copy_format = "binary"

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self.keys = 0
        self.raw_bytes = 0

    def add(self, blocks: Iterable[Block], table: str) -> None:
        """Add the rows of one table as the server sends them."""
        width = row_width(table)
        rows = bytearray()
        for row in rows_alone(blocks):
            rows += row
            if len(rows) >= _GROUP_ROWS * width:
                self._write(bytes(rows), width, table)
                rows.clear()
        if rows:
            self._write(bytes(rows), width, table)

    def _write(self, rows: bytes, width: int, table: str) -> None:
        batch = _batch(rows, width, table)
        with self._lock:
            self._writer.write_batch(batch)
            self.keys += batch.num_rows
            self.raw_bytes += len(rows)


@contextmanager
def parquet_map(file: IO[bytes]) -> Iterator[ParquetMap]:
    """Yield a map that is written to the file. Raises ParquetUnavailable."""
    arrow = _pyarrow()
    with arrow.parquet.ParquetWriter(
        file, _schema(arrow), compression="zstd", use_dictionary=["table"], write_statistics=False
    ) as writer:
        yield ParquetMap(writer)


def read_parquet(path: Path) -> Iterator[KeyPair]:
    """Yield the pairs of a file. Raises ValueError, OSError for what is no map."""
    arrow = _pyarrow()
    with arrow.parquet.ParquetFile(path) as file:
        if not file.schema_arrow.equals(_schema(arrow)):
            raise ValueError("its columns are not table, old and new")
        for batch in file.iter_batches(_READ_ROWS, use_threads=False):
            columns = (batch.column(name).to_pylist() for name in _COLUMNS)
            yield from map(KeyPair, *columns)


def _pyarrow() -> Any:
    try:
        import pyarrow as arrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise ParquetUnavailable from error
    return arrow


def _schema(arrow: Any) -> Any:
    types = (arrow.dictionary(arrow.int32(), arrow.string()), arrow.uuid(), arrow.uuid())
    fields = zip(_COLUMNS, types, strict=True)
    return arrow.schema([arrow.field(name, kind, nullable=False) for name, kind in fields])


def _batch(rows: bytes, width: int, table: str) -> Any:
    """Cut rows of one width into columns; ValueError when they are not of that width."""
    arrow = _pyarrow()
    count, rest = divmod(len(rows), width)
    if rest:
        raise ValueError(f"rows of {table} are not {width} bytes wide")
    buffers = [None, arrow.py_buffer(rows)]
    whole = arrow.FixedSizeBinaryArray.from_buffers(arrow.binary(width), count, buffers)
    ends = (width - _UUID - 4, width)  # each key has its length, 4 bytes, in front
    keys = [arrow.compute.binary_slice(whole, end - _UUID, end) for end in ends]
    zeros = arrow.repeat(arrow.scalar(0, arrow.int32()), count)
    tables = arrow.DictionaryArray.from_arrays(zeros, arrow.array([table]))
    uuids = [arrow.ExtensionArray.from_storage(arrow.uuid(), key) for key in keys]
    return arrow.record_batch([tables, *uuids], schema=_schema(arrow))
