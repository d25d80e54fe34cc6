"""Migrations in the state caught_up, in whose shadows a test changes rows before verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import pytest
from psycopg import sql

from tests.acceptance.commands import run_into
from tests.acceptance.shop import Events
from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration
from uuidmig import status, verify
from uuidmig.catalog.model import RelationName
from uuidmig.engine import journal
from uuidmig.engine.progress import Note
from uuidmig.errors import VerificationFailed
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps import comparing

# Keys say what they are and times are fixed, so that every run compares the same hashes.
SCHEMA: LiteralString = """
create function key(kind int, n int) returns uuid language sql immutable return
    overlay(overlay(md5(kind || '/' || n) placing '4' from 13) placing '8' from 17)::uuid;
create function born(n int) returns timestamptz language sql immutable return
    timestamptz '2024-01-01 00:00+00' + n * interval '1 hour';

create table parents (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null,
    kind text not null default 'a', n int not null, unique (id, kind)
);
create table children (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null, n int not null,
    parent_id uuid not null references parents, friend_id uuid references parents
);
create table links (
    parent_id uuid not null references parents, child_id uuid not null references children,
    primary key (parent_id, child_id)
);
create table kinds (
    n int primary key, parent_id uuid, kind text not null,
    foreign key (parent_id, kind) references parents (id, kind)
);
create table projects (
    tenant_id uuid not null references parents, id uuid not null default gen_random_uuid(),
    created_at timestamptz not null, n int not null, primary key (tenant_id, id)
);
create table tasks (
    n int primary key, tenant_id uuid not null references parents, project_id uuid not null,
    foreign key (tenant_id, project_id) references projects
);
create table notes (
    n int primary key, tenant_id uuid, project_id uuid,
    foreign key (tenant_id, project_id) references projects
);
create table extras (
    n int primary key, parent_id uuid, kind text,
    foreign key (parent_id, kind) references parents (id, kind)
);
create table people (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null, n int not null,
    boss_id uuid references people
);
create table lines (
    id uuid primary key default gen_random_uuid(), n int not null,
    child_id uuid not null references children
);

insert into parents (id, created_at, n) select key(1, n), born(n), n from generate_series(1, 20) n;
insert into children select key(2, n), born(n), n, key(1, n), key(1, 21 - n)
from generate_series(1, 20) n;
insert into links select key(1, n), key(2, n) from generate_series(1, 10) n;
insert into kinds select n, key(1, n), 'a' from generate_series(1, 10) n;
insert into projects select key(1, n % 2 + 1), key(3, n), born(n), n from generate_series(1, 10) n;
insert into tasks select n, tenant_id, id from projects;
insert into notes select n, tenant_id, id from projects;
insert into notes values (11, null, key(3, 1)), (12, null, key(9, 1)), (13, null, null);
insert into extras select n, key(1, n), 'a' from generate_series(1, 10) n;
insert into extras values (11, key(1, 1), null), (12, key(9, 1), null), (13, null, 'a');
insert into people select key(4, n), born(n), n, key(4, 1) from generate_series(1, 10) n;
insert into lines select key(5, n), n, key(2, n) from generate_series(1, 20) n;
-- They end alike, which is nothing to mind: nobody references them.
insert into lines values ('aaaaaaaa-0000-4000-8000-00000000eeee', 101, key(2, 1)),
    ('bbbbbbbb-0000-4000-8000-00000000eeee', 102, key(2, 2));
"""
TAMPERING: LiteralString = """
create function elsewhere(key uuid) returns uuid language sql immutable return
    overlay(key::text placing '01900000-0000-7000' from 1)::uuid;
create function key_as_it_was(key uuid) returns uuid language sql immutable return
    overlay(key::text placing '01900000-0000-4000' from 1)::uuid;
"""
# Two parents whose keys end alike, and a child of each.
TWINS: LiteralString = """
insert into parents (id, created_at, n) values
    ('aaaaaaaa-0000-4000-8000-00000000ffff', born(101), 101),
    ('bbbbbbbb-0000-4000-8000-00000000ffff', born(102), 102);
insert into children (id, created_at, n, parent_id)
select key(2, p.n), born(p.n), p.n, p.id from parents p where p.n > 100;
"""
SHADOWS = "public__uuid7"


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """A migration in the state caught_up. `connection` is the owner's and sees the shadows."""

    database: TestDatabase
    connection: Connection

    @property
    def plan(self) -> Plan:
        return journal.read_run(self.connection).plan

    def table(self, name: str) -> ClosureTable:
        return self.plan.table(RelationName("public", name))

    def tamper(self, change: LiteralString, rows: int = 1) -> None:
        """Change shadows: they are what the tables' names mean here."""
        assert self.connection.execute(change).rowcount == rows

    def verify(self) -> bool:
        """Return whether verify compared with joins; raises VerificationFailed."""
        events = Events()
        verify(self.database.dsn, events)
        return compared_again(events)

    def finds(self, table: str, problem: str) -> bool:
        """Assert that verify tells of that table and of no other; return as `verify` does."""
        events = Events()
        with pytest.raises(VerificationFailed) as told:
            verify(self.database.dsn, events)
        lines = [line for line in str(told.value).splitlines() if line.startswith("  - ")]
        assert lines
        assert [line for line in lines if not line.startswith(f"  - public.{table}: ")] == []
        assert any(problem in line for line in lines), lines
        assert status(self.database.dsn).state == "verify_failed"
        return compared_again(events)

    def same_by_tail(self, name: str) -> bool:
        """Return whether the sums by tail are equal and no reference is lost."""
        plan, table = self.plan, self.table(name)
        steps = Migration(self.connection, plan)
        source = steps.one(comparing.source_sums(plan, table, 0, None, by_tail=True))
        shadow = steps.one(comparing.shadow_sums(plan, table, 0, None, by_tail=True))
        keys = comparing.key_references(table)
        lost = [steps.one(comparing.lost_references(plan, table, key)) for key in keys]
        return source == shadow and lost == [(0,)] * len(keys)


def compared_again(events: Events) -> bool:
    return any("comparing again" in note.text for note in events.of(Note))


@contextmanager
def caught_up(database: TestDatabase, *more: LiteralString) -> Iterator[CaughtUp]:
    """Create SCHEMA and `more`, migrate them until the change log is replayed."""
    # By its name the session is no company: a migration gives way to others, which takes time.
    with database.connect(autocommit=True, application_name="uuidmig:test") as owner:
        for text in (SCHEMA, *more):
            owner.execute(text)
        owner.execute(TAMPERING)
        run_into(database.dsn, "catch-up", "migrate", "--yes")
        owner.execute(sql.SQL("set search_path = {}, public").format(sql.Identifier(SHADOWS)))
        yield CaughtUp(database, owner)
