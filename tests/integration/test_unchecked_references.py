"""MATCH SIMPLE does not check a row with a NULL in the foreign key: its other values survive."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from tests.servers import TestDatabase
from tests.steps_driver import Migration

SCHEMA: LiteralString = """
create table tenants (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null default now()
);
create table orders (
    tenant_id uuid not null references tenants, id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now(), primary key (tenant_id, id)
);
create table notes (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null default now(),
    tenant_id uuid, order_id uuid, n int,
    foreign key (tenant_id, order_id) references orders (tenant_id, id)
);
insert into tenants default values;
insert into orders (tenant_id) select id from tenants;
insert into notes (tenant_id, order_id, n) select tenant_id, id, 1 from orders;
insert into notes (order_id, n) values ('9b1d7f0a-52f3-4f0e-8b57-0c2f6d0e6a11', 2);
"""
NOWHERE = UUID("9b1d7f0a-52f3-4f0e-8b57-0c2f6d0e6a11")


def test_a_value_that_no_parent_has_is_kept(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        migration = Migration.of(owner)
        migration.run_to_cutover()

        rows: dict[int, UUID] = dict(owner.execute("select n, order_id from notes").fetchall())
        found = owner.execute("select id from orders").fetchone()

    assert found is not None
    assert rows == {1: found[0], 2: NOWHERE}
    assert found[0].version == 7
