"""Writing a key map: the server's own COPY in several sessions, one compressed file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg import sql

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.workers import run_tasks
from uuidmig.keymap.compression import new_frame, writable
from uuidmig.keymap.read import HEADER
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.planner.partitions import leaves
from uuidmig.steps.key_pairs import copy_key_pairs

_PAGES = 4_000  # of heap, a task
_BLOCK_BYTES = 1 << 18  # handed to the compressor at once
_FRAME_BYTES = 1 << 22  # of CSV: smaller frames compress worse


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: keys, bytes as CSV and bytes in the file."""

    path: Path
    keys: int
    csv_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    domain: KeyDomain
    leaf: ClosureTable
    first_page: int
    last_page: int | None


class _Output:
    """The file, to which whole frames are added in any order."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.keys = 0
        self.csv_bytes = 0

    def add(self, frame: bytes, *, keys: int, csv_bytes: int) -> None:
        with self._lock:
            self._file.write(frame)
            self.keys += keys
            self.csv_bytes += csv_bytes


class _Frame:
    """A piece of the file under way, in memory until it ends."""

    def __init__(self, path: Path, output: _Output) -> None:
        self._compressor = new_frame(path)
        self._output = output
        self._packed: list[bytes] = []
        self.keys = 0
        self.csv_bytes = 0

    def add(self, block: bytes) -> None:
        self._packed.append(self._compressor.compress(block))
        self.csv_bytes += len(block)

    def end(self) -> None:
        self._packed.append(self._compressor.flush())
        self._output.add(b"".join(self._packed), keys=self.keys, csv_bytes=self.csv_bytes)


def export_map(dsn: str, path: Path, *, workers: int = 2) -> Exported:
    """Write table, old and new key of everything the migration converted to a CSV file.

    Compressed as the suffix of `path` says: .zst, .gz, or not at all; where this Python has no
    zstd, .zst becomes .gz and the result says so. The file appears when it is whole. Memory does
    not grow with the keys. Raises NoJournal, WrongState before the cutover, OSError.
    """
    with connect(dsn, "export") as connection:
        run = journal.read_run(connection)
        journal.require(run, "export-map", "cutover", "validated")
        parts = _parts(connection, run.plan)
    path = writable(path)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            output = _write(dsn, run.plan, parts, path, file, workers)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return Exported(path, output.keys, output.csv_bytes, path.stat().st_size)


def _write(
    dsn: str, plan: Plan, parts: Sequence[_Part], path: Path, file: IO[bytes], workers: int
) -> _Output:
    output = _Output(file)
    frame = new_frame(path)
    output.add(frame.compress(HEADER) + frame.flush(), keys=0, csv_bytes=len(HEADER))

    def work(connection: Connection, part: _Part) -> None:
        pages = part.first_page, part.last_page
        query = copy_key_pairs(plan, part.domain, part.leaf, *pages).query
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            _compress(copy, path, output)

    run_tasks(dsn, workers, "export", parts, work)
    return output


def _compress(rows: Iterable[bytes | bytearray | memoryview], path: Path, output: _Output) -> None:
    """Add the rows in frames of a bounded size: more is not held back."""
    frame = _Frame(path, output)
    block = bytearray()
    for row in rows:  # the server sends each by itself
        block += row
        frame.keys += 1
        if len(block) >= _BLOCK_BYTES:
            frame.add(bytes(block))
            block.clear()
            if frame.csv_bytes >= _FRAME_BYTES:
                frame.end()
                frame = _Frame(path, output)
    frame.add(bytes(block))
    frame.end()


def _parts(connection: Connection, plan: Plan) -> list[_Part]:
    parts = []
    for domain in plan.domains:
        for leaf in leaves(plan.table(domain.root.table)):
            pages = _page_count(connection, leaf)
            for first in range(0, max(pages, 1), _PAGES):
                last = first + _PAGES if first + _PAGES < pages else None
                parts.append(_Part(domain, leaf, first, last))
    return parts


def _page_count(connection: Connection, leaf: ClosureTable) -> int:
    row = connection.execute(
        sql.SQL(
            "SELECT pg_relation_size({}::regclass) / current_setting('block_size')::bigint"
        ).format(sql.Literal(leaf.retired.identifier.as_string(connection)))
    ).fetchone()
    return int(row[0]) if row else 0
