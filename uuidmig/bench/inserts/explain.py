"""What one batch touches, as EXPLAIN tells it: the only place that counts dirtied buffers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from uuidmig.bench.inserts.feed import Batch

_EXPLAIN = b"EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING off, FORMAT JSON) "
_BINARY = 1


@dataclass(frozen=True, slots=True)
class Buffers:
    """Of one batch: buffers of the shared cache hit, read into it and dirtied, and WAL."""

    hit: int
    read: int
    dirtied: int
    written: int
    wal_records: int
    full_page_images: int
    wal_bytes: int


def explain_batch(connection: psycopg.Connection[Any], statement: bytes, batch: Batch) -> Buffers:
    """Insert one batch and return what it touched."""
    formats = [_BINARY] * len(batch.parameters)
    result = connection.pgconn.exec_params(
        _EXPLAIN + statement, batch.parameters, param_formats=formats
    )
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise error_from_result(result)
    plan = json.loads(result.get_value(0, 0) or b"[{}]")[0]["Plan"]
    return Buffers(
        hit=plan["Shared Hit Blocks"],
        read=plan["Shared Read Blocks"],
        dirtied=plan["Shared Dirtied Blocks"],
        written=plan["Shared Written Blocks"],
        wal_records=plan["WAL Records"],
        full_page_images=plan["WAL FPI"],
        wal_bytes=plan["WAL Bytes"],
    )
