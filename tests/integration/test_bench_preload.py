"""Tables of the insert benchmark before the first round: as inserts would have left them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from psycopg import sql

from tests.servers import TestDatabase
from uuidmig.bench.inserts.kinds import KINDS, helper_objects
from uuidmig.bench.inserts.pages import PageHealth, find_functions, read_pages
from uuidmig.bench.inserts.preload import load_table
from uuidmig.bench.inserts.shapes import SHAPES
from uuidmig.bench.inserts.spec import Preload, Spec
from uuidmig.bench.inserts.tables import Names, create_pool

ROWS = 100_000
SPEC = Spec(
    kinds=tuple(KINDS.values()),
    shape=SHAPES["plain"],
    keys="server",
    preload=Preload(ROWS),
    batch=1,
    clients=1,
    seconds=1,
    rounds=1,
)
MANY_PARTS = 2**20  # bytes of shared_buffers that make 32 parts of so many rows
ONE_PART = 2**40


def loaded(
    database: TestDatabase, kind: str, shared_buffers: int, spec: Spec = SPEC
) -> tuple[PageHealth, tuple[object, ...]]:
    """Load one table; return its pages, and facts of its keys."""
    names = Names(f"{kind}_{shared_buffers}")
    with database.connect_admin(autocommit=True) as connection:
        for extension in ("pgstattuple", "pageinspect"):
            connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            )
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(names.schema)))
        for statement in helper_objects(names.schema, connection.info.server_version):
            connection.execute(statement)
        connection.execute(create_pool(names, spec.shape))
        load_table(connection, names, spec, KINDS[kind], ROWS, shared_buffers, threading.Event())
        index = names.primary_key(KINDS[kind])
        pages = read_pages(connection, find_functions(connection), index, None)
        facts = connection.execute(
            sql.SQL(
                "SELECT count(*), min(substr(id::text, 15, 1)), max(substr(id::text, 15, 1)),"
                " count(DISTINCT substr(id::text, 1, 2)), count(DISTINCT payload) FROM {}"
            ).format(names.table(KINDS[kind]))
        ).fetchone()
    assert facts is not None
    return pages, tuple(facts)


def test_parts_make_the_index_that_random_order_makes(database: TestDatabase) -> None:
    parts, facts = loaded(database, "uuid4", MANY_PARTS)
    whole, _ = loaded(database, "uuid4", ONE_PART)
    assert facts == (ROWS, "4", "4", 256, 1000)
    for pages in (parts, whole):  # both swing around 69 %, each in its own time
        assert pages.leaf_density == pytest.approx(69, abs=8)
    assert parts.leaf_fragmentation == pytest.approx(whole.leaf_fragmentation, abs=4)


def test_ordered_keys_are_old_and_dense(database: TestDatabase) -> None:
    pages, facts = loaded(database, "uuid7", MANY_PARTS)
    assert facts[:3] == (ROWS, "7", "7")
    assert pages.leaf_density == pytest.approx(90, abs=1)
    assert pages.leaf_fragmentation == pytest.approx(0, abs=1)


def test_built_index_is_dense(database: TestDatabase) -> None:
    pages, _ = loaded(database, "mixed", MANY_PARTS, replace(SPEC, grown=False))
    assert pages.leaf_density == pytest.approx(90, abs=1)
