"""Writing a key map: the server's own COPY in several sessions, one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from psycopg import sql

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.workers import run_tasks
from uuidmig.keymap.binary_copy import Block
from uuidmig.keymap.compression import writable
from uuidmig.keymap.formats import Format, format_of
from uuidmig.keymap.stream import stream_map
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.planner.partitions import leaves
from uuidmig.steps.key_pairs import copy_key_pairs
from uuidmig.whole_file import appearing_whole

_PAGES = 4_000  # of heap, a task


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: keys, bytes before compression and bytes in the file."""

    path: Path
    keys: int
    raw_bytes: int
    file_bytes: int


class MapFile(Protocol):
    """A file under way. `copy_format` is what `add` takes: COPY's csv or binary."""

    @property
    def copy_format(self) -> str: ...

    @property
    def keys(self) -> int: ...

    @property
    def raw_bytes(self) -> int: ...

    def add(self, blocks: Iterable[Block], table: str) -> None:
        """Add rows of one table; several threads may do so at once."""
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    domain: KeyDomain
    leaf: ClosureTable
    first_page: int
    last_page: int | None


def export_map(dsn: str, path: Path, *, workers: int = 2) -> Exported:
    """Write table, old and new key of everything the migration converted to a file.

    Its name says how: .csv or .pgcopy, compressed with .zst or .gz behind it, or .parquet; where
    this Python has no zstd, .zst becomes .gz and the result says so. The file appears when it is
    whole. Memory does not grow with the keys. Raises NoJournal, WrongState before the cutover,
    ConfigurationError for another name, ParquetUnavailable, OSError.
    """
    kind = format_of(path)
    path = writable(path)
    with connect(dsn, "export") as connection:
        run = journal.read_run(connection)
        journal.require(run, "export-map", "cutover", "validated")
        parts = _parts(connection, run.plan)
    with (
        appearing_whole(path) as unfinished,
        unfinished.open("wb") as file,
        _map(path, file, kind) as target,
    ):
        _fill(dsn, run.plan, parts, target, workers)
    return Exported(path, target.keys, target.raw_bytes, path.stat().st_size)


@contextmanager
def _map(path: Path, file: IO[bytes], kind: Format) -> Iterator[MapFile]:
    if kind is Format.PARQUET:
        from uuidmig.keymap.parquet import parquet_map

        with parquet_map(file) as columns:
            yield columns
    else:
        with stream_map(path, file, kind) as rows:
            yield rows


def _fill(dsn: str, plan: Plan, parts: Sequence[_Part], target: MapFile, workers: int) -> None:
    def work(connection: Connection, part: _Part) -> None:
        connection.execute("SET client_encoding TO 'UTF8'")  # names in the file are in this
        pages = part.first_page, part.last_page
        query = copy_key_pairs(plan, part.domain, part.leaf, *pages, target.copy_format).query
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            target.add(copy, str(part.domain.root.table))

    run_tasks(dsn, workers, "export", parts, work)


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
