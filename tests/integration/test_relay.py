"""Rows from one session to another: all of them arrive as they are, or none does."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.servers import TestDatabase
from uuidmig.engine import relay as relay_module
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.relay import Relayed, RelayFailed, is_bare, relay
from uuidmig.steps.model import Statement

INTO = Statement(sql.SQL("COPY there FROM STDIN (FORMAT binary)"))
COUNTER = Statement(sql.SQL("SELECT 42 AS number"))


@pytest.fixture
def sessions(database: TestDatabase) -> Iterator[tuple[Connection, Connection]]:
    reader, writer = connect(database.dsn, "copy"), connect(database.dsn, "copy")
    with reader, writer:
        writer.execute("CREATE TABLE there (n bigint CHECK (n <> 77777), word text, bytes bytea)")
        yield reader, writer


def rows(select: LiteralString) -> Statement:
    return Statement(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(sql.SQL(select)))


def send(sessions: tuple[Connection, Connection], select: LiteralString) -> Relayed:
    reader, writer = sessions
    with writer.transaction():
        return relay(reader, rows(select), COUNTER, writer, INTO)


def arrived(writer: Connection) -> list[tuple[Any, ...]]:
    return writer.execute("SELECT count(*), sum(n), min(word), max(word) FROM there").fetchall()


MANY: LiteralString = (
    "SELECT n::bigint, 'word ' || n % 10, ''::bytea FROM generate_series(1, 50000) AS n"
)


def test_all_rows_arrive(sessions: tuple[Connection, Connection]) -> None:
    assert send(sessions, MANY) == Relayed(50_000, 42)
    assert arrived(sessions[1]) == [(50_000, 1_250_025_000, "word 0", "word 9")]


def test_no_rows(sessions: tuple[Connection, Connection]) -> None:
    assert send(sessions, "SELECT 1::bigint, 'a', ''::bytea WHERE false") == Relayed(0, 42)
    assert arrived(sessions[1]) == [(0, None, None, None)]


def test_wide_rows(sessions: tuple[Connection, Connection]) -> None:
    """Longer than a block, and than what is kept back for the end."""
    wide: LiteralString = (
        "SELECT n::bigint, repeat('ä', n * 100000), ''::bytea FROM generate_series(1, 5) n"
    )
    assert send(sessions, wide) == Relayed(5, 42)
    lengths = sessions[1].execute("SELECT array_agg(length(word) ORDER BY n) FROM there").fetchone()
    assert lengths == ([100_000, 200_000, 300_000, 400_000, 500_000],)


# What the stream ends with, as a value of the last row.
END: LiteralString = r"""'\xffff'::bytea || '\x6300000004' || '\x4300000012' || 'COPY 50000'::bytea
 || '\x00' || '\x54000000200001' || 'number'::bytea || '\x00' || decode(repeat('00', 18), 'hex')
 || '\x440000000b0001' || '\x00000001' || '7'::bytea || '\x430000000d' || 'SELECT 1'::bytea
 || '\x00' || '\x5a0000000549'"""


def test_a_value_like_the_end_is_not_the_end(sessions: tuple[Connection, Connection]) -> None:
    like = sql.SQL("SELECT n::bigint, 'a', {} FROM generate_series(1, 3000) n").format(sql.SQL(END))
    reader, writer = sessions
    query = Statement(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(like))
    value = writer.execute(sql.SQL("SELECT {}").format(sql.SQL(END))).fetchone()
    assert value is not None
    assert relay_module._END.search(value[0])
    with writer.transaction():
        assert relay(reader, query, COUNTER, writer, INTO) == Relayed(3000, 42)
    same = sql.SQL("SELECT count(*) FROM there WHERE bytes = {}").format(sql.SQL(END))
    assert writer.execute(same).fetchone() == (3000,)


def fails(sessions: tuple[Connection, Connection], select: LiteralString, match: str) -> None:
    """Nothing arrives, and the writing session can go on."""
    with pytest.raises(RelayFailed, match=match):
        send(sessions, select)
    assert arrived(sessions[1]) == [(0, None, None, None)]


def test_a_query_that_cannot_run(sessions: tuple[Connection, Connection]) -> None:
    fails(
        sessions,
        "SELECT 1::bigint, 'a', ''::bytea FROM nowhere",
        'relation "nowhere" does not exist',
    )


def test_a_query_that_fails_among_the_rows(sessions: tuple[Connection, Connection]) -> None:
    fails(
        sessions,
        "SELECT 1::bigint / (n - 40000), 'a', ''::bytea FROM generate_series(1, 50000) AS n",
        "division by zero",
    )


def test_a_counter_that_fails(sessions: tuple[Connection, Connection]) -> None:
    reader, writer = sessions
    counter = Statement(sql.SQL("SELECT 1 / 0"))
    with pytest.raises(RelayFailed, match="division by zero"), writer.transaction():
        relay(reader, rows(MANY), counter, writer, INTO)
    assert arrived(writer) == [(0, None, None, None)]


def test_rows_that_are_not_taken(sessions: tuple[Connection, Connection]) -> None:
    """The writing session fails in the midst of the rows, and they go on coming."""
    fails(
        sessions,
        "SELECT n::bigint, 'a', ''::bytea FROM generate_series(77000, 300000) AS n",
        "there_n_check",
    )


def test_rows_of_another_shape(sessions: tuple[Connection, Connection]) -> None:
    fails(sessions, "SELECT 1::bigint, 'a'", "field count is 2, expected 3")


def test_words_between_the_rows(sessions: tuple[Connection, Connection]) -> None:
    """A notice is no row: a server that sends one is misunderstood by nobody."""
    sessions[1].execute(
        "CREATE FUNCTION tell(n int) RETURNS int LANGUAGE plpgsql AS"
        " $$BEGIN IF n = 40000 THEN RAISE NOTICE 'hello'; END IF; RETURN n; END$$"
    )
    with pytest.raises((RelayFailed, psycopg.OperationalError)):
        send(sessions, "SELECT tell(n)::bigint, 'a', ''::bytea FROM generate_series(1, 50000) AS n")


SLOW: LiteralString = """
SELECT n::bigint, repeat('a', 9000), pg_sleep(0.01)::text::bytea FROM generate_series(1, 3000) AS n
"""


def end_one(
    database: TestDatabase, session: Connection, function: LiteralString
) -> threading.Thread:
    """End it once it is at the rows; its query has run for a moment then."""

    def end() -> None:
        with database.connect_admin(autocommit=True) as admin:
            for _ in range(1000):
                query = sql.SQL(
                    "SELECT {}(pid) FROM pg_stat_activity WHERE pid = %s AND query LIKE 'COPY%%'"
                    " AND state = 'active' AND query_start < clock_timestamp() - interval '0.3 s'"
                ).format(sql.Identifier(function))
                if admin.execute(query, [session.info.backend_pid]).fetchone():
                    return
                time.sleep(0.01)

    thread = threading.Thread(target=end)
    thread.start()
    return thread


def test_a_reader_that_is_ended(
    database: TestDatabase, sessions: tuple[Connection, Connection]
) -> None:
    thread = end_one(database, sessions[0], "pg_terminate_backend")
    fails(sessions, SLOW, "terminating connection")
    thread.join()


def test_a_writer_that_is_cancelled(
    database: TestDatabase, sessions: tuple[Connection, Connection]
) -> None:
    started = time.monotonic()
    thread = end_one(database, sessions[1], "pg_cancel_backend")
    with pytest.raises(psycopg.errors.QueryCanceled):
        send(sessions, SLOW)
    thread.join()
    assert time.monotonic() - started < 10  # it does not wait for the rows, 30 seconds of them
    assert arrived(sessions[1]) == [(0, None, None, None)]


def test_a_writer_that_is_ended(
    database: TestDatabase, sessions: tuple[Connection, Connection]
) -> None:
    thread = end_one(database, sessions[1], "pg_terminate_backend")
    with pytest.raises(psycopg.errors.AdminShutdown):
        send(sessions, SLOW)
    thread.join()
    with database.connect() as other:
        assert arrived(other) == [(0, None, None, None)]


def test_a_reader_that_is_lost_without_a_word(
    database: TestDatabase, sessions: tuple[Connection, Connection]
) -> None:
    """Nobody knows where in a row the stream ended, so the writing session is of no use."""
    reader, writer = sessions

    def lose() -> None:
        time.sleep(1.0)
        with socket.socket(fileno=os.dup(reader.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=lose)
    thread.start()
    with pytest.raises(psycopg.OperationalError, match="a session of the copy was lost"):
        send(sessions, SLOW)
    thread.join()
    assert writer.closed
    with database.connect() as other:
        assert arrived(other) == [(0, None, None, None)]


def test_after_a_failure_libpq_goes_on_as_before(sessions: tuple[Connection, Connection]) -> None:
    _, writer = sessions
    with pytest.raises(RelayFailed):
        send(sessions, "SELECT 1")
    assert writer.fileno() >= 0
    with writer.cursor() as cursor, cursor.copy("COPY there (n) FROM STDIN") as copy:
        for n in range(100_000):
            copy.write_row([n if n != 77777 else 0])
    assert arrived(writer)[0][0] == 100_000


@contextmanager
def pooler(database: TestDatabase) -> Iterator[str]:
    """What a pooler looks like: it tells clients a process number that is not the server's."""
    server = conninfo_to_dict(database.dsn)
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX) as listening,
        socket.socket(socket.AF_UNIX) as line,
    ):
        listening.bind(f"{folder}/.s.PGSQL.5432")
        listening.listen()
        line.connect(f"{server['host']}/.s.PGSQL.{server['port']}")

        def pump() -> None:
            client, _ = listening.accept()
            with client:
                threading.Thread(target=forward, args=(client, line, b""), daemon=True).start()
                forward(line, client, b"K\0\0\0\x0c")

        threading.Thread(target=pump, daemon=True).start()
        yield make_conninfo(database.dsn, host=folder, port=5432)


def forward(source: socket.socket, target: socket.socket, before_number: bytes) -> None:
    """Send all on; the four bytes after `before_number`, where they come, as another number."""
    with suppress(OSError):
        while block := source.recv(65536):
            place = block.find(before_number) + len(before_number)
            if before_number and place >= len(before_number):
                block = block[:place] + b"\0\0\0\x07" + block[place + 4 :]
            target.sendall(block)


def test_a_pooled_connection_is_not_bare(database: TestDatabase) -> None:
    with pooler(database) as dsn, connect(dsn, "copy") as session:
        assert session.info.backend_pid == 7
        assert session.execute("SELECT 1").fetchone() == (1,)
        assert not is_bare(session)


def test_another_encoding_is_not_bare(database: TestDatabase) -> None:
    with connect(database.dsn, "copy") as session:
        assert is_bare(session)
        session.execute("SET client_encoding = LATIN1")
        assert not is_bare(session)
