"""Rows that the new keys tell apart and the old ones do not: no rollback, and no lost row."""

from __future__ import annotations

from typing import LiteralString

import pytest

from tests.servers import TestDatabase
from uuidmig import migrate, rollback, status
from uuidmig.errors import OldKeysCollide

# Two tenants have a task of one id: an id is unique in its tenant only.
SCHEMA: LiteralString = """
create table tenants (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null, n int
);
create table tasks (
    tenant_id uuid not null references tenants, id uuid not null default gen_random_uuid(),
    created_at timestamptz not null, n int, primary key (tenant_id, id)
);
insert into tenants (created_at, n) values ('2024-01-01 00:00+00', 1), ('2024-01-02 00:00+00', 2);
insert into tasks (tenant_id, id, created_at, n)
select id, '606b0bab-9d8d-4d16-914a-ddb83e33275e', created_at, n from tenants;
"""
MOVE: LiteralString = (
    "update tasks set tenant_id = (select id from tenants where n = 1) where n = 2"
)


def test_a_rollback_that_would_lose_a_row_is_refused(database: TestDatabase) -> None:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        migrate(database.dsn)
        owner.execute(MOVE)
        with pytest.raises(OldKeysCollide, match="uuidmig rollback"):
            rollback(database.dsn)
        assert status(database.dsn).state == "validated"
        assert owner.execute("select n from tasks order by n").fetchall() == [(1,), (2,)]

        owner.execute("delete from tasks where n = 1")
        assert rollback(database.dsn).state == "rolled_back"
        assert owner.execute("select n, id::text from tasks").fetchall() == [
            (2, "606b0bab-9d8d-4d16-914a-ddb83e33275e")
        ]
