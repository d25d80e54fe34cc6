"""The clients of a turn: threads that insert batch after batch, each on a connection of its own."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from uuidmig.bench.inserts.feed import Batch, Feed
from uuidmig.engine.connection import connect

_STATEMENT = b"uuidmig_bench"
_BINARY = 1
_JOIN_SECONDS = 0.1

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class ClientLog:
    """What one client saw: when each batch ended and how long it took, in seconds."""

    ends: array[float] = field(default_factory=lambda: array("d"))
    latencies: array[float] = field(default_factory=lambda: array("d"))
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients of a turn did. `started` is on the clock of their `ends`."""

    started: float
    logs: tuple[ClientLog, ...]
    pids: tuple[int, ...]


def run_clients(
    dsn: str,
    statement: bytes,
    feed: Feed,
    *,
    copy: bool,
    clients: int,
    seconds: float,
    sample: Callable[[], None],
) -> Load:
    """Let all clients insert for so long, or until the feed has no more; connections first.

    `sample` is called every now and then meanwhile. Raises what a client's statement raised.
    """
    stop = threading.Event()
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(dsn, "bench")) for _ in range(clients)]
        pids = tuple(connection.info.backend_pid for connection in connections)
        send = [_sender(connection, statement, copy=copy) for connection in connections]
        logs = tuple(ClientLog() for _ in connections)
        threads = [
            threading.Thread(target=_insert, args=(one, feed, log, stop), daemon=True)
            for one, log in zip(send, logs, strict=True)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        try:
            _wait(threads, started + seconds, sample)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    for log in logs:
        if log.error is not None:
            raise log.error
    return Load(started, logs, pids)


def _wait(threads: Sequence[threading.Thread], until: float, sample: Callable[[], None]) -> None:
    while any(thread.is_alive() for thread in threads):
        left = until - time.perf_counter()
        if left <= 0:
            return
        time.sleep(min(left, _JOIN_SECONDS))
        sample()


def _insert(
    send: Callable[[Batch], None], feed: Feed, log: ClientLog, stop: threading.Event
) -> None:
    clock = time.perf_counter
    try:
        while not stop.is_set() and (batch := feed.take()) is not None:
            begun = clock()
            send(batch)
            ended = clock()
            log.ends.append(ended)
            log.latencies.append(ended - begun)
    except BaseException as error:  # whatever it is, the main thread raises it
        log.error = error
        stop.set()


def _sender(connection: Connection, statement: bytes, *, copy: bool) -> Callable[[Batch], None]:
    """Return what sends one batch. libpq is called directly: the client's own time counts too."""
    if copy:

        def send_lines(batch: Batch) -> None:
            with connection.cursor().copy(statement) as stream:
                stream.write(batch.lines)

        return send_lines
    server = connection.pgconn
    _check(server.prepare(_STATEMENT, statement))

    def send_parameters(batch: Batch) -> None:
        formats = [_BINARY] * len(batch.parameters)
        # None is NULL here as in exec_params(), whose annotation says so.
        values = cast("Sequence[bytes]", batch.parameters)
        _check(server.exec_prepared(_STATEMENT, values, formats))

    return send_parameters


def _check(result: pq.abc.PGresult) -> None:
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise error_from_result(result)
