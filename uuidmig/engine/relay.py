"""Rows streamed from one session of the server into another, their bytes untouched.

What COPY … TO sends and what COPY … FROM takes are the same messages (CopyData in the PostgreSQL
documentation, chapter "Frontend/Backend Protocol"), so blocks of bytes go from socket to socket:
no row is looked at here. libpq takes no part in that, as it would hand over row by row.

Nothing may get lost unnoticed. The reading session is told to end after its query, so the stream
ends where the connection does, and its last bytes must be those of a query that succeeded: the
ErrorResponse of one that failed cannot contain them, for no two zero bytes in a row come before its
end. And both sides must have counted the same rows.

Blocks end anywhere in a message. So the writing session can only be told to stop where the stream
ends, with an error or without: if it fails, the reading one is cancelled, and what still comes is
sent on, and ignored by the server.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from psycopg.pq import ExecStatus

from uuidmig.engine.connection import Connection
from uuidmig.engine.failpoints import failpoint
from uuidmig.steps.model import Statement

_BLOCK_BYTES = 1 << 16  # waited for: to wake up for every message costs more than to copy it
_END_BYTES = 1 << 16  # kept back: more than what follows the last row, long errors too
_CANCEL_SECONDS = 5
_TERMINATE = b"X\0\0\0\x04"
_GIVEN_UP = b"uuidmig: the rows did not arrive"

# The trailer of the binary format, then CopyDone, CommandComplete; then RowDescription, DataRow and
# CommandComplete of the number asked for, settings that changed, and ReadyForQuery.
_END = re.compile(
    rb"(\xff\xff)c\0\0\0\x04C\0\0\0.COPY (\d+)\0"
    rb"T\0\0\0.\0\x01[^\0]+\0.{18}D\0\0\0.\0\x01\0\0\0.(\d+)C\0\0\0\x0dSELECT 1\0"
    rb"(?:S\0\0..[^\0]+\0[^\0]*\0)*Z\0\0\0\x05.\Z",
    re.DOTALL,
)
_ROWS_ENDED = re.compile(rb"c\0\0\0\x04C\0\0\0.COPY \d+\0\Z", re.DOTALL)
_READY = re.compile(rb"Z\0\0\0\x05.\Z", re.DOTALL)
_REASON = re.compile(rb"\0M([^\0]+)\0")  # of an ErrorResponse

_IS_BARE = """
SELECT current_setting('client_encoding') = current_setting('server_encoding')
    AND NOT EXISTS (SELECT FROM pg_stat_gssapi WHERE pid = pg_backend_pid() AND encrypted)
    AND pg_backend_pid() = %s
"""


class RelayFailed(Exception):
    """Nothing was copied, or what was must be rolled back; the writing session can go on."""


class _ReaderLost(Exception):
    """The stream ended anywhere, so that nothing sensible can be sent to the writing session."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """How many rows arrived, and the number that the reading session gave after them."""

    rows: int
    number: int


def is_bare(connection: Connection) -> bool:
    """Return whether bytes can bypass libpq: no encryption, no pooler in between, and no other
    encoding than the server's, as there is text that does not come back the same.

    A pooler tells clients a process number of its own. It would take the message that ends the
    session for a client that left, and drop what the server still has to say.
    """
    if connection.pgconn.ssl_in_use:
        return False
    row = connection.execute(_IS_BARE, [connection.info.backend_pid]).fetchone()
    return bool(row and row[0])


def relay(
    reader: Connection, rows: Statement, number: Statement, writer: Connection, into: Statement
) -> Relayed:
    """Run `rows`, a binary COPY … TO STDOUT, and stream what it gives to `into`, a COPY … FROM.

    `number` is a SELECT of one integer that the reader runs after the rows, in one transaction with
    them; its session is over afterwards. The writer must be in a transaction that is rolled back on
    any error. Both must be bare. Raises RelayFailed; QueryCanceled where somebody cancels the
    writer; OperationalError where a session is lost, and then the writer is closed.
    """
    query = rows.query.as_bytes(reader) + b"; " + number.query.as_bytes(reader)
    try:
        with _copying_in(writer, into) as target, _bare_socket(reader) as source:
            with _losing_reader():
                source.sendall(_message(b"Q", query) + _TERMINATE)
            sent, given = _stream(source, target, lambda: _cancel(reader))
        written = _end_copy(writer)
    except psycopg.errors.QueryCanceled:
        raise
    except psycopg.Error as error:
        if writer.closed:
            raise
        raise RelayFailed(str(error)) from error
    if written != sent:
        raise RelayFailed(f"{sent} rows were sent and {written} arrived")
    return Relayed(written, given)


def _message(kind: bytes, text: bytes) -> bytes:
    return kind + (len(text) + 5).to_bytes(4, "big") + text + b"\0"


def _cancel(session: Connection) -> None:
    with suppress(psycopg.Error):
        session.cancel_safe(timeout=_CANCEL_SECONDS)


@contextmanager
def _bare_socket(connection: Connection) -> Iterator[socket.socket]:
    """Yield the connection's socket in blocking mode; libpq has it in the other one."""
    with socket.socket(fileno=os.dup(connection.fileno())) as bare:
        bare.setblocking(True)
        try:
            yield bare
        finally:
            bare.setblocking(False)


@contextmanager
def _copying_in(writer: Connection, into: Statement) -> Iterator[socket.socket]:
    """Yield the socket that takes the rows. Where they do not all come the COPY fails."""
    result = writer.pgconn.exec_(into.query.as_bytes(writer))
    if result.status != ExecStatus.COPY_IN:
        raise psycopg.errors.error_from_result(result)
    try:
        with _bare_socket(writer) as target:
            yield target
    except RelayFailed:
        _end_copy(writer, _GIVEN_UP)
        raise
    except OSError as failure:
        _end_copy(writer, _GIVEN_UP)  # the server hung up: libpq knows what it said before
        raise RelayFailed(str(failure)) from failure
    except _ReaderLost as failure:
        writer.close()
        raise psycopg.OperationalError(f"a session of the copy was lost: {failure}") from failure


def _end_copy(writer: Connection, failure: bytes | None = None) -> int:
    """Return how many rows were written. Raises what the server says, unless it is `failure`."""
    writer.pgconn.put_copy_end(failure)
    result = writer.pgconn.get_result()
    while writer.pgconn.get_result() is not None:
        pass
    if result is None:
        raise psycopg.OperationalError("no answer to COPY")
    if result.status == ExecStatus.COMMAND_OK:
        return result.command_tuples or 0
    if failure is not None and failure in result.error_message:
        return 0
    raise psycopg.errors.error_from_result(result)


def _stream(
    source: socket.socket, target: socket.socket, cancel: Callable[[], None]
) -> tuple[int, int]:
    """Send all rows on and return how many the source counted, and its number."""
    blocks = _blocks(source, target, cancel)
    held = _after_header(blocks)
    for block in blocks:
        failpoint("relaying")
        held += block
        target.sendall(held[:-_END_BYTES])
        held = held[-_END_BYTES:]
    if (end := _END.search(held)) is not None:
        target.sendall(held[: end.end(1)])
        return int(end[2]), int(end[3])
    rows, reason = _before_error(held)
    target.sendall(rows)
    raise RelayFailed(reason)


def _blocks(
    source: socket.socket, target: socket.socket, cancel: Callable[[], None]
) -> Iterator[bytes]:
    """Yield what the source sends, to its end. A target that answers before all rows came has
    failed: the source is cancelled then."""
    with selectors.DefaultSelector() as either:
        either.register(source, selectors.EVENT_READ)
        either.register(target, selectors.EVENT_READ)
        while True:
            if any(key.fileobj is target for key, _ in either.select()):
                either.unregister(target)
                cancel()
                continue
            with _losing_reader():
                block = source.recv(_BLOCK_BYTES, socket.MSG_WAITALL)
            if not block:
                return
            yield block


@contextmanager
def _losing_reader() -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise _ReaderLost(str(failure)) from failure


def _after_header(blocks: Iterator[bytes]) -> bytes:
    """Return what came after the first message, which says that rows follow (CopyOutResponse)."""
    head = b""
    while len(head) < 5 or len(head) <= int.from_bytes(head[1:5], "big"):
        block = next(blocks, b"")
        if not block:
            raise _ReaderLost("the server ended the one that reads")
        head += block
    if head[:1] != b"H":
        raise RelayFailed(_before_error(head)[1])
    return head[1 + int.from_bytes(head[1:5], "big") :]


def _before_error(received: bytes) -> tuple[bytes, str]:
    """Return the rows before the ErrorResponse at the end of a stream, and its message.

    It tells its own length, and begins with the severity. The rows may have ended before it.
    """
    ready = _READY.search(received)
    end = ready.start() if ready else len(received)
    start = received.rfind(b"E", 0, end)
    while start >= 0:
        length = int.from_bytes(received[start + 1 : start + 5], "big")
        if start + 1 + length == end and received[start + 5 : start + 6] == b"S":
            reason = _REASON.search(received, start)
            rows = _ROWS_ENDED.sub(b"", received[:start])
            return rows, reason[1].decode(errors="replace") if reason else "an error"
        start = received.rfind(b"E", 0, start)
    raise _ReaderLost("the server ended the one that reads")
