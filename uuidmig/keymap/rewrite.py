"""Putting new keys into files that hold old ones: CSV and JSON lines, row by row.

Only the keys change; every other byte stays as it is, quotes, spaces and line ends included.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import UUID

from uuidmig.errors import ConfigurationError
from uuidmig.keymap.compression import open_bytes, open_to_write
from uuidmig.keymap.read import read_map

_BATCH = 10_000
_FIELD = re.compile(rb'("(?:[^"]|"")*"|(?!")(?:[^,\r\n]|\r(?!\n))*)(,|\r?\n|$)')

Look = Callable[[bytes], bytes | None]


class FileNotRewritable(ConfigurationError):
    """A file to rewrite that is not what its name says, or lacks the column."""


@dataclass(slots=True)
class Rewritten:
    """What happened to a file: rows read, keys replaced, and keys not in the map left alone."""

    rows: int = 0
    replaced: int = 0
    unknown: int = 0


def rewrite_file(
    map_file: Path, source: Path, target: IO[bytes] | Path, columns: Sequence[str]
) -> Rewritten:
    """Copy `source` to `target` with the old keys in `columns` replaced by the new ones.

    .csv needs a header line; in .jsonl and .ndjson a column is the name of a member, at any depth.
    Either may be compressed (.zst, .gz). The map is kept in a temporary file: memory does not grow
    with it. Raises KeyMapUnreadable, FileNotRewritable, ConfigurationError, OSError.
    """
    replace = _format(source)
    done = Rewritten()
    with _index(map_file) as look, open_bytes(source) as file:
        lines = replace(file, [name.encode() for name in columns], look, done)
        if isinstance(target, Path):
            with open_to_write(target) as output:
                output.writelines(lines)
        else:
            target.writelines(lines)
    return done


def _format(source: Path) -> Callable[..., Iterator[bytes]]:
    suffixes = [suffix for suffix in source.suffixes if suffix not in (".zst", ".gz")]
    match suffixes[-1:]:
        case [".csv"]:
            return _csv
        case [".jsonl" | ".ndjson"]:
            return _json_lines
    raise FileNotRewritable(f"{source}: neither .csv nor .jsonl (.ndjson), with .zst or .gz or not")


@contextmanager
def _index(map_file: Path) -> Iterator[Look]:
    """Yield the look-up of a key as text, in a database of its own on disk."""
    with (
        TemporaryDirectory(prefix="uuidmig-map-") as folder,
        closing(sqlite3.connect(Path(folder) / "map.db", isolation_level=None)) as database,
    ):
        database.execute("PRAGMA journal_mode = off")
        database.execute("PRAGMA cache_size = -32768")  # KiB
        database.execute("CREATE TABLE map (old BLOB, new BLOB)")
        pairs = ((pair.old.bytes, pair.new.bytes) for pair in read_map(map_file))
        for some in batched(pairs, _BATCH):
            database.execute("BEGIN")
            database.executemany("INSERT INTO map VALUES (?, ?)", some)
            database.execute("COMMIT")
        database.execute("CREATE INDEX map_old ON map (old)")

        def look(text: bytes) -> bytes | None:
            try:
                old = UUID(text.decode("ascii"))
            except ValueError:
                return None
            query = "SELECT new FROM map WHERE old = ? LIMIT 1"
            row = database.execute(query, [old.bytes]).fetchone()
            return None if row is None else str(UUID(bytes=row[0])).encode()

        yield look


def _csv(file: IO[bytes], columns: list[bytes], look: Look, done: Rewritten) -> Iterator[bytes]:
    records = _records(file)
    header = next(records, b"")
    names = [_unquoted(field) for field, _ in _fields(header.removeprefix(b"\xef\xbb\xbf"))]
    if missing := [name.decode() for name in columns if name not in names]:
        raise FileNotRewritable(f"the header has no column {', '.join(missing)}")
    positions = [number for number, name in enumerate(names) if name in columns]
    yield header
    for record in records:
        done.rows += 1
        fields = _fields(record)
        for position in positions:
            if position < len(fields):
                field, end = fields[position]
                fields[position] = _replaced(field, look, done), end
        yield b"".join(field + end for field, end in fields)


def _records(file: IO[bytes]) -> Iterator[bytes]:
    """Yield whole records: a quoted field may hold line ends."""
    record = b""
    for line in file:
        record += line
        if record.count(b'"') % 2 == 0:
            yield record
            record = b""
    if record:
        raise FileNotRewritable("the last record has a quote that does not end")


def _fields(record: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields as they are written, each with what ends it."""
    fields, position = [], 0
    while (found := _FIELD.match(record, position)) is not None:
        fields.append((found[1], found[2]))
        position = found.end()
        if found[2] != b",":
            break
    if position != len(record):
        raise FileNotRewritable(f"not CSV: {record[:80].decode(errors='replace')!r}")
    return fields


def _unquoted(field: bytes) -> bytes:
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field


def _replaced(field: bytes, look: Look, done: Rewritten) -> bytes:
    text = _unquoted(field)
    if not text:
        return field
    new = look(text)
    if new is None:
        done.unknown += 1
        return field
    done.replaced += 1
    return b'"' + new + b'"' if field.startswith(b'"') else new


def _json_lines(
    file: IO[bytes], columns: list[bytes], look: Look, done: Rewritten
) -> Iterator[bytes]:
    names = b"|".join(map(re.escape, columns))
    member = re.compile(rb'("(?:' + names + rb')"\s*:\s*)("[0-9A-Fa-f-]{32,36}")')
    for line in file:
        done.rows += 1
        yield member.sub(lambda found: found[1] + _replaced(found[2], look, done), line)
