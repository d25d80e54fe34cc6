"""Publications of partitioned tables and of single partitions: carried over, there and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from tests.scenarios.read import SCENARIOS
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import PlanOptions, abort, finish, make_plan, migrate, rollback
from uuidmig.errors import PreflightRefused

Connection = psycopg.Connection[Any]
ACCEPTED = PlanOptions(accept_replication=True)
PARTITIONS = SCENARIOS["partitions"]

PUBLICATIONS: dict[str, LiteralString] = {
    "wholes, sent by partition": "create publication p for table orders, items, customers, empty",
    "wholes, sent as such": """
        create publication "P '1" for table orders, only items, empty, payments
            with (publish_via_partition_root = true)""",
    "columns and rows": """
        create publication p for table orders (created_at, id, number, amount)
            where (created_at > '2023-05-01'), items (order_id, position)
            with (publish_via_partition_root = true)""",
    "single partitions": """
        create publication p for table archive.orders_2023, orders_2024_h1, "Orders 2024",
            items_1 (order_id, position)""",
    "single partitions with filters": """
        alter table items_1 replica identity full;
        create unique index numbers on orders_2024_h1 (number, amount);
        alter table orders_2024_h1 replica identity using index numbers;
        create publication p for table items_1 where (text <> 'x' and position > 2),
            orders_2024_h1 where (amount > 2) with (publish_via_partition_root = true)""",
    "the whole and a part of it": """
        create publication p for table orders, orders_2024_h1, events_known;
        create publication q for table orders, archive.orders_2023
            with (publish_via_partition_root = true, publish = 'insert, truncate');
        create publication r for table "Orders 2024" where (region <> 'x')
            with (publish = 'insert', publish_via_partition_root = true);
        comment on publication q is 'the way of the root'""",
}

OF_SCHEMAS: dict[str, LiteralString] = {
    "the schema of the whole": "public",
    "the schema of one partition": "archive",
    "both": "public, archive",
}


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as connection:
        connection.execute(PARTITIONS.setup)
        # From 18 on the publisher refuses changes: the generated column is not published.
        connection.execute("alter table orders_rest replica identity default")
        yield connection


def sent(connection: Connection) -> list[Any]:
    """Return what each publication names, and what subscribers get of it."""
    named = connection.execute("""
        select p.pubname, r.prrelid::regclass::text, pg_get_expr(r.prqual, r.prrelid)
        from pg_publication_rel r join pg_publication p on p.oid = r.prpubid order by 1, 2""")
    got = connection.execute("select * from pg_publication_tables order by 1, 2, 3")
    return [named.fetchall(), got.fetchall()]


def there_and_back_and_there_for_good(database: TestDatabase, owner: Connection) -> None:
    """The application uses every table after each switch: the publisher refuses what it must."""
    dump, before, plan = schema_dump(database), sent(owner), make_plan(database.dsn, ACCEPTED)
    assert before[1]
    assert plan.refusals == ()
    migrate(database.dsn, ACCEPTED)
    assert sent(owner) == before
    owner.execute(PARTITIONS.after_cutover)
    rollback(database.dsn)
    assert sent(owner) == before
    owner.execute("update orders set region = 'br' where number % 5 = 0; delete from items_1")
    abort(database.dsn)
    assert_same(schema_dump(database), dump)
    migrate(database.dsn, ACCEPTED)
    finish(database.dsn)
    assert sent(owner) == before
    owner.execute("update orders set region = 'jp' where number % 5 = 1; delete from items_0")
    assert_same(finished_dump(database), with_new_defaults(dump, plan))


@pytest.mark.parametrize("case", PUBLICATIONS)
def test_tables(database: TestDatabase, owner: Connection, case: str) -> None:
    owner.execute(PUBLICATIONS[case])
    there_and_back_and_there_for_good(database, owner)


@pytest.mark.parametrize("via_root", [False, True], ids=["by partition", "as the whole"])
@pytest.mark.parametrize("case", OF_SCHEMAS)
def test_schemas(database: TestDatabase, owner: Connection, case: str, via_root: bool) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(
            f"create publication p for tables in schema {OF_SCHEMAS[case]}"
            f" with (publish_via_partition_root = {via_root})".encode()
        )
    there_and_back_and_there_for_good(database, owner)


@pytest.mark.parametrize(
    ("kind", "relation"),
    [
        ("table orders", "public.orders"),
        ("table orders with (publish_via_partition_root = true)", "public.orders"),
        ("table archive.orders_2023", "archive.orders_2023"),
        ("tables in schema archive", "archive.orders_2023"),
        ("table empty", "public.empty"),  # sends nothing, until it gets a partition
    ],
)
def test_refused_by_name_unless_accepted(
    database: TestDatabase, owner: Connection, kind: str, relation: str
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(f'create publication "To Whom" for {kind}'.encode())
        admin.execute('alter publication "To Whom" owner to app_owner')
    with pytest.raises(PreflightRefused, match=rf"To Whom: .*{relation}"):
        migrate(database.dsn)
    assert make_plan(database.dsn, ACCEPTED).refusals == ()
    migrate(database.dsn, PlanOptions(strategy="default-only"))  # changes no key


def test_a_filter_of_a_partition_that_reads_a_key(
    database: TestDatabase, owner: Connection
) -> None:
    owner.execute("""
        alter table archive.orders_2023 replica identity full;
        create publication p for table archive.orders_2023
            where (customer_id <> '11111111-1111-4111-8111-111111111111')""")
    (refused,) = make_plan(database.dsn, ACCEPTED).refusals
    assert (refused.code, refused.object) == ("publication-row-filter", "p")
    assert "archive.orders_2023 reads customer_id" in refused.message


def test_the_publication_of_somebody_else(database: TestDatabase, owner: Connection) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("create publication theirs for table orders_2024_h1")
    (missing,) = make_plan(database.dsn, ACCEPTED).refusals
    assert (missing.code, missing.object) == ("missing-right", "publication theirs")
