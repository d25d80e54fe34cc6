"""What making a key costs, measured on its own: no difference between two kinds may be this one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from uuidmig.bench.inserts.kinds import Kind, new_key_call
from uuidmig.bench.inserts.tables import Names
from uuidmig.keys.generate import uuid7

_SERVER_KEYS = 50_000
_CLIENT_KEYS = 20_000
_REPEATS = 3

_MAKE = sql.SQL("SELECT count({}) FROM generate_series(1, {})")


def measure_generators(
    connection: psycopg.Connection[Any], names: Names, kinds: Sequence[Kind]
) -> dict[str, dict[str, float | None]]:
    """Return for each kind the microseconds of a new key, made by the server and by the client.

    The best of three; the server's without the cost of the rows around it. None where the client
    makes no keys (bigint).
    """
    empty = _seconds_of_query(connection, sql.SQL("1"))
    by_maker = {
        kind.new: {
            "server": max(0.0, _server(connection, names, kind) - empty) * 1e6 / _SERVER_KEYS,
            "client": None if kind.new == "identity" else _client(kind) * 1e6 / _CLIENT_KEYS,
        }
        for kind in kinds
    }
    return {kind.name: by_maker[kind.new] for kind in kinds}


def _server(connection: psycopg.Connection[Any], names: Names, kind: Kind) -> float:
    call = new_key_call(kind, names.schema, connection.info.server_version)
    return _seconds_of_query(connection, call)


def _seconds_of_query(connection: psycopg.Connection[Any], call: sql.Composable) -> float:
    query = _MAKE.format(call, sql.Literal(_SERVER_KEYS))
    return min(_timed(lambda: connection.execute(query)) for _ in range(_REPEATS))


def _client(kind: Kind) -> float:
    make = uuid4 if kind.new == "uuid4" else uuid7
    return min(_timed(lambda: [make() for _ in range(_CLIENT_KEYS)]) for _ in range(_REPEATS))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
