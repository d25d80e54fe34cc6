"""Published partitioned tables and partitions, with a real subscriber that does what is printed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.replication import Pair, pair_of, subscriber_server
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import OWNER, TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, finish, make_plan, migrate, rollback
from uuidmig.steps import subscribers

ACCEPTED = PlanOptions(accept_replication=True)
QUICK = RunOptions(batch=1000)

# Range over list with partitions in two schemas, and a foreign key between partitioned tables.
SETUP: LiteralString = """
CREATE SCHEMA archive;
CREATE TABLE people (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE "The Orders" (
    id uuid NOT NULL DEFAULT gen_random_uuid(), person_id uuid NOT NULL REFERENCES people,
    region text NOT NULL, n int NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (id, region, at)) PARTITION BY RANGE (at);
CREATE TABLE archive."Orders 2023" PARTITION OF "The Orders"
    FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE orders_2024 PARTITION OF "The Orders"
    FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (region);
CREATE TABLE orders_2024_eu PARTITION OF orders_2024 FOR VALUES IN ('de', 'fr');
CREATE TABLE orders_2024_rest PARTITION OF orders_2024 DEFAULT;
CREATE TABLE orders_rest PARTITION OF "The Orders" DEFAULT;
CREATE TABLE items (
    order_id uuid, region text, at timestamptz, position int,
    PRIMARY KEY (order_id, region, at, position),
    FOREIGN KEY (order_id, region, at) REFERENCES "The Orders" ON UPDATE CASCADE ON DELETE CASCADE
) PARTITION BY HASH (position);
CREATE TABLE items_0 PARTITION OF items FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE items_1 PARTITION OF items FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO people (name, created_at)
SELECT 'p' || n, timestamptz '2022-01-01' + n * interval '1 day' FROM generate_series(1, 20) n;
INSERT INTO "The Orders" (person_id, region, n, at)
SELECT id, (ARRAY['de', 'us', 'fr'])[1 + n % 3], n,
       timestamptz '2023-02-01' + n * interval '20 days'
FROM people, generate_series(1, 50) n;
INSERT INTO items SELECT o.id, region, at, p FROM "The Orders" o, generate_series(1, 3) p;
"""

PUBLICATIONS: dict[str, LiteralString] = {
    "by partition": 'CREATE PUBLICATION sub FOR TABLE people, "The Orders", items',
    "as a whole": """
        CREATE PUBLICATION sub FOR TABLE people, items,
            "The Orders" (n, at, id, region, person_id)
                WHERE (region <> 'none' AND at > '2023-03-01')
            WITH (publish_via_partition_root = true)""",
    "single partitions": """
        CREATE PUBLICATION sub FOR TABLE archive."Orders 2023" WHERE (region <> 'us'),
            orders_2024, items_1, people""",
    "schemas, by partition": "CREATE PUBLICATION sub FOR TABLES IN SCHEMA public, archive",
    "schemas, as a whole": """
        CREATE PUBLICATION sub FOR TABLES IN SCHEMA public, archive
            WITH (publish_via_partition_root = true)""",
    "the schema of one partition": "CREATE PUBLICATION sub FOR TABLES IN SCHEMA archive",
}


@pytest.fixture(params=PUBLICATIONS)
def pair(database: TestDatabase, request: pytest.FixtureRequest) -> Iterator[Pair]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SETUP)
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(PUBLICATIONS[request.param])
        if "SCHEMA" not in PUBLICATIONS[request.param]:
            owner_of_it = sql.SQL("ALTER PUBLICATION sub OWNER TO {}").format(sql.Identifier(OWNER))
            admin.execute(owner_of_it)
    with subscriber_server(database) as server, pair_of(database, server) as both:
        both.subscribe("sub")
        yield both


# Rows that move to other partitions and between those that are sent and those that are not.
_WORK: tuple[LiteralString, ...] = (
    "INSERT INTO people (name) VALUES ('w' || %(n)s)",
    'INSERT INTO "The Orders" (person_id, region, n, at)'
    " SELECT id, (ARRAY['de', 'us', 'none', 'fr'])[1 + %(n)s %% 4], %(n)s,"
    " timestamptz '2023-01-15' + %(n)s %% 36 * interval '1 month'"
    " FROM people WHERE name = 'w' || %(n)s",
    'INSERT INTO items SELECT id, region, at, %(n)s %% 5 FROM "The Orders" WHERE n = %(n)s',
    "UPDATE \"The Orders\" SET at = at + interval '9 months' WHERE n = %(n)s - 3",
    "UPDATE \"The Orders\" SET region = 'ch' WHERE n = %(n)s - 5",
    "UPDATE items SET position = position + 1 WHERE order_id IN"
    ' (SELECT id FROM "The Orders" WHERE n = %(n)s - 6)',
    'DELETE FROM "The Orders" WHERE n = %(n)s - 9',
)


class Application:
    """It works while a block runs, and goes on counting where it stopped."""

    def __init__(self, database: TestDatabase) -> None:
        self.database, self.number = database, 1000
        self.errors: list[psycopg.Error] = []

    @contextmanager
    def working(self) -> Iterator[None]:
        stop, first = threading.Event(), self.number
        thread = threading.Thread(target=self._work, args=(stop,))
        thread.start()
        try:
            yield
            assert not stop.wait(0.5)
        finally:
            stop.set()
            thread.join()
        assert self.errors == []
        assert self.number > first

    def _work(self, stop: threading.Event) -> None:
        with self.database.connect(autocommit=True) as connection:
            while not stop.wait(0.01):
                self.number += 1
                try:
                    for statement in _WORK:
                        connection.execute(statement, {"n": self.number})
                except psycopg.Error as error:
                    self.errors.append(error)


def attach(pair: Pair, commands: Sequence[str]) -> None:
    """As printed; where partitions are sent one by one, as the remark among the commands says."""
    trees = [line.removeprefix("-- ") for line in commands if line.startswith('-- "')]
    if len(trees) > 1:  # the foreign key between them holds at the subscriber
        refused = "cannot truncate a table referenced in a foreign key constraint"
        with pytest.raises(AssertionError, match=refused):
            pair.on_subscriber(commands)
        named = f"TRUNCATE {', '.join(trees)}, "
        commands = [line.replace("TRUNCATE ", named) for line in commands]
    pair.on_subscriber(commands)


@pytest.mark.slow
def test_there_and_back_and_there_for_good(pair: Pair) -> None:
    database, application = pair.database, Application(pair.database)
    plan, dump = make_plan(database.dsn, ACCEPTED), schema_dump(database)
    detach_by, attach_by = subscribers.detach(plan), subscribers.attach(plan)
    if "items" not in "".join(attach_by):  # a table of the subscriber's own holds old keys
        pair.subscriber.execute("ALTER TABLE items DROP CONSTRAINT items_order_id_region_at_fkey")

    with application.working():
        pair.on_publisher(subscribers.prepare_publisher(plan))
        pair.await_applied()
        pair.on_subscriber(detach_by)
        assert migrate(database.dsn, ACCEPTED, QUICK).state == "validated"
        attach(pair, attach_by)
    pair.assert_equal()

    with application.working():
        rollback(database.dsn)
        pair.on_subscriber(detach_by)
        attach(pair, attach_by)
    pair.assert_equal()
    abort(database.dsn)

    with application.working():
        pair.on_subscriber(detach_by)
        migrate(database.dsn, ACCEPTED, QUICK)
        attach(pair, attach_by)
        pair.on_publisher(subscribers.release_publisher(plan))
        finish(database.dsn)
    pair.assert_equal()
    with application.working():
        pass
    pair.assert_equal()
    assert received_versions(pair) <= {7}
    assert_same(finished_dump(database), with_new_defaults(dump, plan))


def received_versions(pair: Pair) -> set[Any]:
    """Return the versions of the keys in what is published, as the subscriber has them."""
    query: LiteralString = "SELECT id FROM people UNION SELECT order_id FROM items"
    rows = pair.subscriber.execute(query).fetchall()
    return {key.version for (key,) in rows}
