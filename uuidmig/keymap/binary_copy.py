"""PostgreSQL's binary COPY of table, old and new key.

Its source is the manual, COPY, "Binary Format": a header, rows of fields that each have their
length in front, and a mark at the end, by which a part of a file is told from a whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import IO
from uuid import UUID

from uuidmig.engine.find_keys import KeyPair

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER = _SIGNATURE + bytes(8)  # no flags, no extension
TRAILER = b"\xff\xff"

_ROW = Struct(">hi")  # fields in the row, bytes of the first
_LENGTH = Struct(">i")
_FIELDS = 3
_UUID = 16

Block = bytes | bytearray | memoryview


def row_width(table: str) -> int:
    """Return the bytes of a row of that table: the same for all of them."""
    return _ROW.size + len(table.encode()) + 2 * (_LENGTH.size + _UUID)


def rows_alone(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield what the server sends, a row at a time, without the header and the mark at the end."""
    stream = iter(blocks)
    first = bytes(next(stream, b""))
    if not first.startswith(_SIGNATURE):
        raise ValueError("the server sent no binary COPY")
    (extension,) = _LENGTH.unpack_from(first, len(HEADER) - _LENGTH.size)
    yield from _unless_trailer(first[len(HEADER) + extension :])
    for block in stream:
        yield from _unless_trailer(block)


def _unless_trailer(block: Block) -> Iterator[Block]:
    if block and block != TRAILER:
        yield block


def read_binary(file: IO[bytes]) -> Iterator[KeyPair]:
    """Yield the pairs of a file. Raises ValueError, EOFError for what is no whole map."""
    if file.read(len(HEADER)) != HEADER:
        raise ValueError("it does not begin as PostgreSQL's binary COPY")
    names: dict[bytes, str] = {}
    while (mark := _exactly(file, len(TRAILER))) != TRAILER:
        fields, length = _ROW.unpack(mark + _exactly(file, _LENGTH.size))
        if fields != _FIELDS or length < 0:
            raise ValueError("a row is not of table, old and new key")
        rest = _exactly(file, length + 2 * (_LENGTH.size + _UUID))
        name, old, new = rest[:length], rest[length : length + 20], rest[length + 20 :]
        if name not in names:
            names[name] = name.decode()
        yield KeyPair(names[name], _uuid(old), _uuid(new))
    if file.read(1):
        raise ValueError("more follows behind its end")


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise EOFError("it ends before its end: a part of a file")
    return data


def _uuid(field: bytes) -> UUID:
    if _LENGTH.unpack_from(field)[0] != _UUID:
        raise ValueError("a key is no uuid")
    return UUID(bytes=field[_LENGTH.size :])
