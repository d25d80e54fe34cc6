"""Sessions keep their prepared statements across the cutover: the columns are the same."""

from __future__ import annotations

from typing import LiteralString

from tests.servers import TestDatabase
from tests.steps_driver import Migration

SCHEMA: LiteralString = """
create table orders (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null default now(),
    note text
);
insert into orders (note) select 'n' || n from generate_series(1, 10) n;
"""
ALL: LiteralString = "select * from orders order by note"
ONE_MORE: LiteralString = "insert into orders (note) values ('x') returning *"


def test_select_all_and_returning_all_go_on(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as owner, database.connect(autocommit=True) as client:
        owner.execute(SCHEMA)
        before = client.execute(ALL, prepare=True).fetchall()
        client.execute(ONE_MORE, prepare=True)
        Migration.of(owner).run_to_cutover()

        after = client.execute(ALL, prepare=True).fetchall()
        born = client.execute(ONE_MORE, prepare=True).fetchone()

    assert [row[2] for row in after] == [row[2] for row in before] + ["x"]
    assert {row[0].version for row in after} == {7}
    assert born is not None
    assert born[0].version == 7
