"""A shop whose owner FORCE ROW LEVEL SECURITY restricts to one tenant, and what it looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from uuidmig.engine.progress import StepStarted

Connection = psycopg.Connection[Any]

SCHEMA: LiteralString = """
create schema "The Shop";
create table "The Shop".regions (number int primary key);
insert into "The Shop".regions values (1);
alter table "The Shop".regions enable row level security;
alter table "The Shop".regions force row level security; -- nobody sees any row
create table "The Shop".orders (id uuid primary key default gen_random_uuid(), tenant text not null,
    total int, created_at timestamptz not null default clock_timestamp(),
    region int not null default 1 references "The Shop".regions);
create table "The Shop".items (id uuid primary key default gen_random_uuid(),
    order_id uuid not null references "The Shop".orders on delete cascade, n int);
create table notes (number int primary key, order_id uuid references "The Shop".orders);
insert into "The Shop".orders (tenant, total)
    select case i % 3 when 0 then 'a' else 'b' end, i from generate_series(1, 3000) i;
insert into "The Shop".items (order_id, n) select id, total from "The Shop".orders;
insert into notes select total, id from "The Shop".orders where total <= 10;
create index on "The Shop".orders (tenant);
create index on "The Shop".items (order_id);
alter table "The Shop".orders enable row level security;
alter table "The Shop".orders force row level security;
alter table "The Shop".items enable row level security;
alter table "The Shop".items force row level security;
create policy own on "The Shop".orders using (tenant = current_setting('shop.tenant', true));
create policy live on "The Shop".orders as restrictive for select using (total >= 0);
create policy of_orders on "The Shop".items using (exists (select from "The Shop".orders o
    where o.id = order_id and o.tenant = current_setting('shop.tenant', true)));
"""


TABLES: tuple[LiteralString, ...] = ('"The Shop".orders', '"The Shop".items', "notes")


def rows_of(admin: Connection) -> list[tuple[Any, ...]]:
    """All rows without their keys, each with the parent it hangs on."""
    return [
        *admin.execute('select tenant, total, created_at from "The Shop".orders order by total'),
        *admin.execute(
            'select i.n, o.total, o.tenant from "The Shop".items i'
            ' left join "The Shop".orders o on o.id = i.order_id order by 1, 2'
        ),
        *admin.execute(
            'select number, total from notes left join "The Shop".orders o on o.id = order_id'
            " order by 1"
        ),
    ]


def versions(admin: Connection) -> set[int]:
    found: set[int] = set()
    for table in TABLES[:2]:
        query = sql.SQL("select id from {}").format(sql.SQL(table))
        found |= {key.version for (key,) in admin.execute(query)}
    return found


def assert_restricted(owner: Connection) -> None:
    """The application sees its own rows, by the index of its own policy, and adds no others'."""
    count = "select count(*) filter (where tenant = 'a'), count(*) from \"The Shop\".orders"
    mine, seen = owner.execute(count).fetchone() or (0, 0)
    assert mine == seen > 0
    items, others = owner.execute(
        'select count(*), count(*) filter (where o.id is null) from "The Shop".items i'
        ' left join "The Shop".orders o on o.id = i.order_id'
    ).fetchone() or (0, 0)
    assert (items > 0, others) == (True, 0)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        owner.execute("insert into \"The Shop\".orders (tenant, total) values ('b', 1)")


@dataclass(slots=True)
class Application:
    """An observer that writes and looks as the application at the begin of every stage."""

    owner: Connection
    stages: list[str] = field(default_factory=list)
    at: dict[str, Callable[[], object]] = field(default_factory=dict)

    def notify(self, event: object) -> None:
        if isinstance(event, StepStarted):
            self.stages.append(event.step)
            if event.step in self.at:
                self.at[event.step]()
            self.write()

    def write(self) -> None:
        number = 10_000 * len(self.stages)
        self.owner.execute("""delete from "The Shop".orders where id in
            (select id from "The Shop".orders order by total limit 3)""")
        self.owner.execute("""update "The Shop".orders set created_at = created_at - interval '1 h'
            where id in (select id from "The Shop".orders order by total desc limit 3)""")
        for (key,) in self.owner.execute(
            """insert into "The Shop".orders (tenant, total)
               select 'a', %s + i from generate_series(1, 5) i returning id""",
            [number],
        ).fetchall():
            self.owner.execute('insert into "The Shop".items (order_id, n) values (%s, 1)', [key])
        assert_restricted(self.owner)
