"""What the server has counted, before and after a turn."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from uuidmig.catalog.rows import fetch

Counters = Mapping[str, int | None]

_PATIENCE_SECONDS = 5.0


def read_counters(
    connection: psycopg.Connection[Any], index: sql.Identifier, ended: Sequence[int] = ()
) -> Counters:
    """Return the counters of the server and of the table with this index.

    Sessions report what they counted when they end: those with the process ids `ended`, whose
    connections are closed already, are waited for. Our own counters are flushed first, so that
    they do not come up later.
    """
    _wait_for_end(connection, ended)
    connection.execute("SELECT pg_stat_force_next_flush()")
    (row,) = fetch(connection, "bench_counters", index=index.as_string())
    return {**row, **_io(connection)}


def _io(connection: psycopg.Connection[Any]) -> Counters:
    version = connection.info.server_version
    if version < 160000:
        return {}
    (row,) = fetch(connection, "bench_io_18" if version >= 180000 else "bench_io_16")
    return row


def _wait_for_end(connection: psycopg.Connection[Any], ended: Sequence[int]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    alive = "SELECT FROM pg_stat_activity WHERE pid = any(%s)"
    while ended and time.monotonic() < deadline:
        if not connection.execute(alive, [list(ended)]).rowcount:
            return
        time.sleep(0.02)


def difference(before: Counters, after: Counters) -> dict[str, int | None]:
    """Return by how much each counter grew; None where the server has none."""
    return {name: _minus(after[name], before.get(name)) for name in after}


def _minus(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before
