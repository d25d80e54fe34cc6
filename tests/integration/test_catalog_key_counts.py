from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.servers import TestDatabase
from uuidmig.catalog.key_counts import count_keys
from uuidmig.catalog.model import KeyCounts, RelationName

T = RelationName("public", 'The "T" 100%s')


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as connection:
        connection.execute("""
            create domain ident as uuid;
            create table "The ""T"" 100%s"
                ("K %" uuid, d ident, pad text default repeat('x', 50))""")
        yield connection


def test_every_version_and_variant(owner: psycopg.Connection[Any]) -> None:
    owner.execute("""
        insert into "The ""T"" 100%s" ("K %", d) values
        ('00000000-0000-4000-8000-000000000000', '00000000-0000-7000-8000-000000000000'),
        ('ffffffff-ffff-4fff-bfff-ffffffffffff', null),
        ('00000000-0000-7000-9000-000000000000', null),
        ('00000000-0000-1000-8000-000000000000', null),
        ('00000000-0000-4000-0000-000000000000', null),
        ('00000000-0000-7000-c000-000000000000', null),
        ('00000000-0000-0000-0000-000000000000', null),
        (null, null)""")
    assert count_keys(owner, T, "K %") == KeyCounts(v4=2, v7=1, other=4, exact=True)
    assert count_keys(owner, T, "d") == KeyCounts(v4=0, v7=1, other=0, exact=True)


def test_an_empty_table(owner: psycopg.Connection[Any]) -> None:
    assert count_keys(owner, T, "K %", exact_below_bytes=0) == KeyCounts(0, 0, 0, exact=True)


@pytest.mark.parametrize("analyzed", [True, False])
def test_a_sample_is_scaled_to_the_table(owner: psycopg.Connection[Any], analyzed: bool) -> None:
    owner.execute("""
        alter table "The ""T"" 100%s" set (autovacuum_enabled = off);
        insert into "The ""T"" 100%s" ("K %")
        select case when i % 10 = 0 then null else gen_random_uuid() end
        from generate_series(1, 100000) i""")
    if analyzed:
        owner.execute('analyze "The ""T"" 100%s"')
    counts = count_keys(owner, T, "K %", exact_below_bytes=1000)
    assert (counts.exact, counts.v7, counts.other) == (False, 0, 0)
    assert counts.v4 == pytest.approx(90_000, rel=0.02 if analyzed else 0.1)
    assert counts == count_keys(owner, T, "K %", exact_below_bytes=1000)
    assert count_keys(owner, T, "K %") == KeyCounts(90_000, 0, 0, exact=True)


def test_no_such_table(owner: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.UndefinedTable):
        count_keys(owner, RelationName("public", "none"), "id")
