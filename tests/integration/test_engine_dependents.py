"""The whole product with views and functions: readers at work all the time, and a slow query."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, abort, cutover, finish, make_plan, migrate, rollback
from uuidmig.engine.journal import read_run
from uuidmig.errors import FillingTooLong

SCHEMA: LiteralString = """
    create table orders (id uuid primary key default gen_random_uuid(), n int, note text);
    insert into orders (n, note) select i, 'n' || i from generate_series(1, 500) i;
    create view open_orders with (security_barrier) as select id, n from orders where n > 0;
    create view numbered as select n, count(*) as c from open_orders group by n;
    create materialized view stored as select id, n from open_orders;
    create unique index on stored (n);
    create function label(orders) returns text language sql as 'select $1.note';
    create function counted() returns bigint begin atomic select count(*) from open_orders; end;
    create view labelled as select id, label(o) as label from orders o;
    create table inbox (n int);
    create rule take as on insert to inbox do instead insert into orders (n) values (new.n);
    comment on rule take on inbox is 'taken';"""
READS: tuple[LiteralString, ...] = (
    "select count(*) >= 500 from numbered",
    "select count(*) = 500 from stored",
    "select count(*) >= 500 and max(label) = 'n99' from labelled",
    "select counted() >= 500",
)


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection


@contextmanager
def readers_at_work(database: TestDatabase) -> Iterator[None]:
    """One session a query, over and over again, prepared; every answer must be true."""
    done = threading.Event()
    failures: list[str] = []

    def read(query: LiteralString) -> None:
        try:
            with database.connect(autocommit=True) as connection:
                while not done.wait(0.005):
                    if connection.execute(query).fetchone() != (True,):
                        failures.append(query)
        except psycopg.Error as error:
            failures.append(f"{query}: {error}")

    threads = [threading.Thread(target=read, args=[query]) for query in READS]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_there_and_back_and_there_again_before_readers(
    database: TestDatabase, owner: psycopg.Connection[Any]
) -> None:
    before, dsn = schema_dump(database), database.dsn
    with readers_at_work(database):
        migrate(dsn)
        owner.execute("insert into inbox values (501)")
        version_7 = "select count(*) from orders where get_byte(uuid_send(id), 6) >> 4 = 7"
        assert owner.execute(version_7).fetchone() == (501,)
        rollback(dsn)
        owner.execute("insert into inbox values (502)")
        abort(dsn)
        assert_same(schema_dump(database), before)
        plan = make_plan(dsn, PlanOptions())
        migrate(dsn)
        finish(dsn)
    assert owner.execute("select count(*) from orders where n > 500").fetchone() == (2,)
    assert_same(finished_dump(database), with_new_defaults(before, plan))


def test_a_slow_query_is_told_with_the_way_out(
    database: TestDatabase, owner: psycopg.Connection[Any]
) -> None:
    owner.execute(
        "create function slow(int) returns int language sql volatile"
        " as 'select 1 from pg_catalog.pg_sleep(0.2)';"
        "create materialized view late as select id, slow(n) as s from orders where n < 8;"
    )
    dsn = database.dsn
    plan = make_plan(dsn, PlanOptions())
    codes = {(hazard.code, hazard.object) for hazard in plan.hazards}
    assert ("materialized-view-rebuilt", "public.late") in codes
    with pytest.raises(FillingTooLong, match="longer than 1000 ms") as raised:
        migrate(dsn)
    assert "REFRESH MATERIALIZED VIEW" in str(raised.value)
    assert read_run(owner).state == "verified"
    owner.execute("refresh materialized view late with no data")
    cutover(dsn)
    owner.execute("refresh materialized view late")
    assert owner.execute("select count(*) from late join orders using (id)").fetchone() == (7,)
