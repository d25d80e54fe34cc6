"""The server dies with an immediate shutdown: the command says so, and the next one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import LiteralString

import pytest

from tests.acceptance.commands import run_into, start, wait_until
from tests.acceptance.shop import Shop, open_shop
from tests.servers import TestServer, fresh_database, running_server
from uuidmig import RunOptions, abort, finish, migrate, rollback, status


@pytest.fixture(scope="module")
def own_server() -> Iterator[TestServer]:
    """A server that nobody else needs."""
    with running_server() as running:
        if running.embedded is None:
            pytest.skip("needs a server that the test run starts itself")
        yield running


def waiting(shop: Shop, application: str) -> bool:
    return bool(
        shop.one(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = %s"
            " AND wait_event_type = 'Lock' AND datname = current_database())",
            application,
        )
    )


# The failpoint that the run is at before, a lock that stops it where the server is to die.
PLACES: dict[str, tuple[str, LiteralString]] = {
    "copy": ("batch:6", "LOCK TABLE shop.order_items IN ACCESS EXCLUSIVE MODE"),
    "build": ("vacuumed", "LOCK TABLE shop__uuid7.orders IN ROW EXCLUSIVE MODE"),
    "cutover": ("verify", "LOCK TABLE shop.order_items IN ROW EXCLUSIVE MODE"),
}


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_server_killed(own_server: TestServer, place: str) -> None:
    reached, lock = PLACES[place]
    with fresh_database(own_server) as database:
        with open_shop(database, orders=200) as shop:
            picture, keys = shop.picture(), shop.keys()
            run_into(shop.dsn, reached, "migrate", "--yes", "--batch", "100")
            with closing(database.connect()) as holder:
                holder.execute(lock)
                command = start(shop.dsn, "migrate", "--yes", "--batch", "100")
                wait_until(lambda: waiting(shop, f"uuidmig:{place}"), f"{place} in wait")
                own_server.kill()
                ended = command.wait()
        own_server.start()
        assert ended.code == 1, ended
        assert "no connection to the server" in ended.output
        assert "uuidmig status" in ended.output
        with database.connect(autocommit=True, application_name="uuidmig:test") as connection:
            shop = Shop(database, connection)
            assert status(shop.dsn).state in ("copying", "copied", "verified")
            assert shop.picture() == picture
            assert migrate(shop.dsn, run_options=RunOptions(batch=100)).state == "validated"
            assert shop.picture() == picture
            shop.assert_mapped(keys)
            shop.assert_copied_once()


@pytest.mark.slow
def test_server_killed_before_and_after_a_rollback(own_server: TestServer) -> None:
    with fresh_database(own_server) as database:
        with open_shop(database, orders=200) as shop:
            picture, keys = shop.picture(), shop.keys()
            migrate(shop.dsn)
        own_server.kill()
        own_server.start()
        assert rollback(database.dsn).state == "rolled_back"
        own_server.kill()
        own_server.start()
        with database.connect(autocommit=True, application_name="uuidmig:test") as connection:
            shop = Shop(database, connection)
            assert (shop.picture(), shop.keys()) == (picture, keys)
            assert migrate(shop.dsn).state == "validated"
            finish(shop.dsn)
            assert shop.picture() == picture


@pytest.mark.slow
def test_unlogged_tables_are_empty_after_a_crash_on_both_sides(own_server: TestServer) -> None:
    """The server empties them; what was copied before must not come back."""
    with fresh_database(own_server) as database:
        with database.connect(autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE kept (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int);"
                "CREATE UNLOGGED TABLE lost (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
                " kept uuid REFERENCES kept, n int);"
                "INSERT INTO kept (n) SELECT generate_series(1, 50);"
                "INSERT INTO lost (kept, n) SELECT id, n FROM kept"
            )
        run_into(database.dsn, "copy", "migrate", "--yes")
        with database.connect(autocommit=True) as connection:
            connection.execute("UPDATE lost SET n = -n; INSERT INTO kept (n) VALUES (51)")
        own_server.kill()
        own_server.start()
        assert migrate(database.dsn).state == "validated"
        with database.connect() as connection:
            counts = "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM lost)"
            assert connection.execute(counts).fetchall() == [(51, 0)]


@pytest.mark.slow
def test_abort_after_the_server_was_killed(own_server: TestServer) -> None:
    with fresh_database(own_server) as database:
        with open_shop(database, orders=50) as shop:
            picture = shop.picture()
            run_into(shop.dsn, "batch:3", "migrate", "--yes", "--batch", "50")
        own_server.kill()
        own_server.start()
        abort(database.dsn)
        with database.connect(autocommit=True) as connection:
            shop = Shop(database, connection)
            assert shop.schemas() == set()
            assert shop.picture() == picture
