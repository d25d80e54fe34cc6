"""Claims of several workers: every chunk once, and in turns, so that rows keep their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from psycopg import sql

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig import migrate
from uuidmig.engine import chunks
from uuidmig.engine.chunks import Claim
from uuidmig.engine.connection import connect
from uuidmig.engine.options import RunOptions
from uuidmig.engine.pace import Width, in_turns
from uuidmig.steps.pages import PageRange

PAGES = 120


@contextmanager
def cut_table(database: TestDatabase, batch: int) -> Iterator[Connection]:
    """A table of PAGES full pages, prepared and cut into chunks of about `batch` rows."""
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
            " created_at timestamptz NOT NULL DEFAULT now(), note text) WITH (fillfactor = 100)"
        )
        while _pages(connection) < PAGES:
            connection.execute(
                "INSERT INTO orders (note) SELECT repeat('x', 700) FROM generate_series(1, 10)"
            )
        connection.execute("ANALYZE orders")
        migration = Migration.of(connection)
        migration.prepare()
        with connection.transaction():
            chunks.make_chunks(connection, migration.plan.tables[0], 1, batch)
        yield connection


def _pages(connection: Connection) -> int:
    row = connection.execute("SELECT pg_relation_size('orders') / 8192").fetchone()
    assert row is not None
    return int(row[0])


def claims(database: TestDatabase, *widths: Width) -> list[Claim]:
    """Return what workers of these widths claim, one after another, while all hold theirs."""
    taken = []
    with ExitStack() as sessions:
        for width in widths:
            worker = sessions.enter_context(database.connect())
            ahead = chunks.look_ahead(worker)
            if ahead is not None:
                taken.append(chunks.claim(worker, ahead, width))
    return taken


def pages_of(claim: Claim) -> set[int]:
    return {
        page
        for first, last in claim.pages
        for page in range(first, PAGES if last is None else last)
    }


def test_workers_claim_in_turns(database: TestDatabase) -> None:
    with cut_table(database, batch=20) as connection:
        ahead = chunks.look_ahead(connection)
        assert ahead is not None
        width = in_turns(-(-ahead.chunks // 2), ahead.heap_chunks, workers=2)
        first, second = claims(database, width, width, width)
    assert first.pages[:2] == ((0, 2), (4, 6))
    assert second.pages[:2] == ((2, 4), (6, 8))
    assert pages_of(first) | pages_of(second) == set(range(PAGES))
    assert not pages_of(first) & pages_of(second)
    assert second.pages[-1][1] is None, "pages that come are the last one's"


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (Width(1), ((0, 2),)),
        (Width(3), ((0, 6),)),
        (Width(6, stripe=3, turns=2), ((0, 6), (12, 18))),
        (Width(2, stripe=1, turns=3), ((0, 2), (6, 8))),
    ],
)
def test_adjacent_chunks_are_one_range(
    database: TestDatabase, width: Width, expected: tuple[PageRange, ...]
) -> None:
    with cut_table(database, batch=20):
        assert claims(database, width)[0].pages == expected


def test_workers_of_different_widths_leave_nothing_and_take_nothing_twice(
    database: TestDatabase,
) -> None:
    widths = [Width(4, 2, 2), Width(9, 3, 2), Width(1), Width(60, 1, 3)] + [Width(8, 4, 2)] * 40
    with cut_table(database, batch=20):
        taken = claims(database, *widths)
    numbers = [number for claim in taken for number in claim.numbers]
    assert sorted(numbers) == list(range(1, PAGES // 2 + 1))
    assert set().union(*map(pages_of, taken)) == set(range(PAGES))
    assert sum(len(pages_of(claim)) for claim in taken) == PAGES


def test_a_server_without_tid_scans(database: TestDatabase) -> None:
    """Each range of pages would read the whole table."""
    with cut_table(database, batch=20) as owner:
        owner.execute(
            sql.SQL("ALTER DATABASE {} SET enable_tidscan = off").format(
                sql.Identifier(database.name)
            )
        )
        with connect(database.dsn, "test") as ours:
            plan = ours.execute(
                "EXPLAIN SELECT FROM orders WHERE ctid >= '(0,0)'::tid AND ctid < '(2,0)'::tid"
            ).fetchall()
    assert "Tid Range Scan" in plan[0][0]


def test_rows_keep_their_order(database: TestDatabase) -> None:
    """A planner that sees the order lost would leave the index of the timestamp alone."""
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
            " created_at timestamptz NOT NULL)"
        )
        connection.execute(
            "INSERT INTO orders (created_at) SELECT TIMESTAMPTZ '2024-01-01' + g * interval '1 s'"
            " FROM generate_series(1, 400000) g"
        )
        connection.execute("ANALYZE orders")
        migrate(database.dsn, run_options=RunOptions(workers=2))
        found = connection.execute(
            "SELECT attname, correlation FROM pg_stats WHERE tablename = 'orders'"
            " AND schemaname = 'public'"
        ).fetchall()
    assert {name: correlation > 0.8 for name, correlation in found} == {
        "id": True,
        "created_at": True,
    }, found
