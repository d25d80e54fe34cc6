"""A batch in pieces: all its rows, with a rest after each piece, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.servers import TestDatabase
from tests.steps_driver import Migration
from uuidmig.engine.chunks import Claim
from uuidmig.engine.pieces import insert_in_pieces
from uuidmig.engine.progress import silent
from uuidmig.engine.throttle import Throttle


class Brake(Throttle):
    """Does something where the workers rest."""

    def __init__(self, between: Callable[[int], object]) -> None:
        super().__init__(silent, busy=True)
        self.between = between
        self.rests = 0

    def give_way(self, worked_seconds: float, stop: threading.Event) -> None:
        self.rests += 1
        self.between(self.rests)


@pytest.mark.parametrize("batch", [None, 4_000, 500])
def test_rows_written_between_the_pieces_are_brought_by_the_drain(
    database: TestDatabase, batch: int | None
) -> None:
    with database.connect(autocommit=True) as connection, database.connect(autocommit=True) as app:
        connection.execute(
            "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int,"
            " note text, created_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        connection.execute(
            "INSERT INTO orders (n, note)"
            " SELECT g, repeat('x', 200) FROM generate_series(1, 5000) g"
        )
        migration = Migration.of(connection)
        migration.prepare()

        def between(rest: int) -> None:
            app.execute("INSERT INTO orders (n) SELECT 5000 + g FROM generate_series(1, 500) g")
            app.execute("UPDATE orders SET note = repeat('y', 300) WHERE n %% 7 = %s", [rest])
            app.execute("DELETE FROM orders WHERE n = %s", [rest])

        brake = Brake(between)
        table = migration.plan.tables[0]
        with connection.transaction():
            claim = Claim(1, (1,), ((0, None),))
            rows = insert_in_pieces(
                connection, migration.plan, table, claim, batch, brake, threading.Event()
            )
        assert brake.rests == {None: 10, 4_000: 4, 500: 1}[batch]
        assert rows >= 4_990
        migration.purge()
        migration.build_indexes()
        migration.drain()
        migration.verify()
        migration.assert_shadows_equal()
