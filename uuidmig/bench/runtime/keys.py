"""Making keys: by every generator there is, in one thread and in eight, and on the server."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import LiteralString
from uuid import UUID

import psycopg

from uuidmig.bench.runtime.model import Case, Lacking, Open, Operation
from uuidmig.executors import Pool
from uuidmig.keys.generate import OwnGenerator

KEYS = 2000
THREADS = (1, 8)

_GROUP = f"{KEYS} new keys"
_SINCE_18 = 180_000

Make = Callable[[], UUID]

_ON_SERVER: tuple[tuple[int, LiteralString], ...] = (
    (4, "SELECT count(gen_random_uuid()) FROM generate_series(1, %s)"),
    (7, "SELECT count(uuidv7()) FROM generate_series(1, %s)"),
)


def cases(dsn: str | None) -> Iterator[Case]:
    """Yield version 4 and 7 by each generator; those of the server need a connection string."""
    for name, version, find in _GENERATORS:
        for threads in THREADS:
            params = {"by": name, "threads": threads}
            made_by = partial(_in_threads, find, threads)
            yield Case(_GROUP, f"uuid{version}", params, made_by, _all_of_version(version))
    for version, query in _ON_SERVER:
        opened = _on_server(dsn, query, since=_SINCE_18 if version == 7 else 0)
        yield Case(_GROUP, f"uuid{version}", {"by": "server"}, opened, KEYS.__eq__)


def _uuid4() -> Make:
    return uuid.uuid4


def _stdlib() -> Make:
    found: Make | None = getattr(uuid, "uuid7", None)
    if found is None:
        raise Lacking("uuid.uuid7 came with Python 3.14")
    return found


def _uuid_utils() -> Make:
    try:
        module = importlib.import_module("uuid_utils.compat")
    except ImportError:
        raise Lacking("uuid-utils is not installed (extra `fast`)") from None
    found: Make = module.uuid7
    return found


_GENERATORS = (
    ("stdlib", 4, _uuid4),
    ("stdlib", 7, _stdlib),
    ("uuidmig", 7, OwnGenerator),
    ("uuid-utils", 7, _uuid_utils),
)


@contextmanager
def _in_threads(find: Callable[[], Make], threads: int) -> Iterator[Operation]:
    make = find()

    def some(count: int) -> list[UUID]:
        return [make() for _ in range(count)]

    if threads == 1:
        yield lambda: [some(KEYS)]
        return
    with Pool("threads", threads, "for comparison").open("keys") as pool:
        yield lambda: list(pool.map(some, [KEYS // threads] * threads))


def _all_of_version(version: int) -> Callable[[Sequence[Sequence[UUID]]], bool]:
    def right(made: Sequence[Sequence[UUID]]) -> bool:
        keys = {key for some in made for key in some}
        return len(keys) == KEYS and all(key.version == version for key in keys)

    return right


def _on_server(dsn: str | None, query: LiteralString, since: int) -> Open:
    @contextmanager
    def opened() -> Iterator[Operation]:
        if dsn is None:
            raise Lacking("no server was given (--dsn, --server)")
        with psycopg.connect(dsn, autocommit=True) as connection:
            present = connection.info.server_version
            if present < since:
                raise Lacking(f"came with PostgreSQL 18, this is {present // 10_000}")
            yield lambda: connection.execute(query, [KEYS]).fetchall()[0][0]

    return opened
