"""Soft references under load: writers that name rows before, while and after they are there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import LiteralString
from uuid import UUID

from tests.schema_dump import schema_dump
from tests.servers import TestDatabase
from uuidmig import PlanOptions, RunOptions, abort, finish, migrate, rollback
from uuidmig.planner.model import Discriminator, SoftReference

SCHEMA: LiteralString = """
create table orders (
    id uuid primary key default gen_random_uuid(), label bigint unique,
    created_at timestamptz not null default now()
);
create table customers (id uuid primary key default gen_random_uuid(), label bigint unique);
-- what a row is about is told by its label too, which no migration changes
create table audit_log (
    n bigint generated always as identity primary key, kind text, label bigint,
    entity uuid, entity_text text, entities uuid[], document jsonb
);
create index on audit_log (entity);
create index on audit_log (entity_text);
create index on audit_log using gin (entities) with (fastupdate = off);
create index on audit_log using gin (document jsonb_path_ops) with (fastupdate = off);
create function inside() returns trigger language plpgsql as $$
begin
    new.entities := array[null, new.entity, gen_random_uuid(), new.entity];
    new.document := jsonb_build_object('about', jsonb_build_array(
        jsonb_build_object('key', new.entity), jsonb_build_object('other', new.entity)));
    return new;
end $$;
create trigger inside before insert on audit_log for each row execute function inside();
insert into orders (label, created_at)
    select g, '2024-01-01'::timestamptz + g * interval '1 minute' from generate_series(1, 20000) g;
insert into customers (label) select generate_series(1, 5000);
insert into audit_log (kind, label, entity, entity_text)
    select 'order', label, id, id::text from orders
    union all select 'customer', label, id, id::text from customers
    union all select 'foreign', label, id, id::text from orders where label % 10 = 0;
analyze;
"""
DECLARED = tuple(
    SoftReference(f"audit_log.{column}", f"{table}s.id", Discriminator("kind", table))
    for column in ("entity", "entity_text")
    for table in ("order", "customer")
) + tuple(
    SoftReference(f"audit_log.{column}", f"{table}s.id", Discriminator("kind", table), path)
    for column, path in (("entities", None), ("document", "$.about[*].key"))
    for table in ("order", "customer")
)
OPTIONS = PlanOptions(soft_references=DECLARED)

# Rows whose target is there must name it, whichever keys are in force.
LOST: LiteralString = """
select count(*) from audit_log a
    left join orders o on o.label = a.label and a.kind = 'order'
    left join customers c on c.label = a.label and a.kind = 'customer'
where
    coalesce(o.id, c.id) <> a.entity or coalesce(o.id, c.id)::text <> a.entity_text
    or coalesce(o.id, c.id) <> a.entities[2] or a.entities[4] <> a.entities[2]
    or coalesce(o.id, c.id)::text <> a.document #>> '{about,0,key}'
    or get_byte(uuid_send((a.document #>> '{about,1,other}')::uuid), 6) >> 4 = 7
"""
FOREIGN: LiteralString = """
select count(*) from audit_log where kind = 'foreign' and get_byte(uuid_send(entity), 6) >> 4 = 7
"""


LOG: LiteralString = (
    "insert into audit_log (kind, label, entity, entity_text) values (%s, %s, %s, %s)"
)
INSERT: dict[str, LiteralString] = {
    "order": "insert into orders (id, label) values (%s, %s)",
    "customer": "insert into customers (id, label) values (%s, %s)",
}
DELETE: dict[str, LiteralString] = {
    "order": "delete from orders where label = %s",
    "customer": "delete from customers where label = %s",
}
EARLIER: LiteralString = (
    "update orders set created_at = created_at - interval '1 day' where label = %s"
)


class Writer:
    """Inserts, changes and deletes; a row of the log often comes before what it is about."""

    def __init__(self, database: TestDatabase, number: int) -> None:
        self.connection = database.connect(autocommit=True)
        self.random = Random(number)
        self.label = (number + 1) * 10**9
        self.done = 0

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.step()
            self.done += 1
        self.connection.close()

    def step(self) -> None:
        run, kind = self.connection.execute, self.random.choice(["order", "customer"])
        self.label += 1
        old = self.random.randrange(1, 5000)
        match self.random.randrange(5):
            case 0 | 1:
                key = UUID(int=self.random.getrandbits(128), version=4)
                run(LOG, [kind, self.label, key, str(key)])
                run(INSERT[kind], [key, self.label])
            case 2:
                run(EARLIER, [old])
            case 3:
                run("update audit_log set kind = kind where label = %s", [old])
            case _:
                run(DELETE[kind], [old])


@contextmanager
def writing(database: TestDatabase, *numbers: int) -> Iterator[list[Writer]]:
    writers, stop = [Writer(database, number) for number in numbers], threading.Event()
    threads = [threading.Thread(target=writer.work, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_there_and_back_and_there_again_under_load(database: TestDatabase) -> None:
    run_options = RunOptions(batch=2000, workers=2)
    with database.connect(autocommit=True) as owner:

        def wrong() -> tuple[int, int]:
            (lost,), (foreign,) = owner.execute(LOST + " union all " + FOREIGN).fetchall()
            return lost, foreign

        owner.execute(SCHEMA)
        before = schema_dump(database)
        assert wrong() == (0, 0)
        with writing(database, 1, 2) as writers:
            migrate(database.dsn, OPTIONS, run_options)
        assert wrong() == (0, 0)
        with writing(database, 3, 4):
            rollback(database.dsn)
        assert wrong() == (0, 0)
        abort(database.dsn)
        assert schema_dump(database) == before
        with writing(database, 5, 6):
            migrate(database.dsn, OPTIONS, run_options)
        finish(database.dsn)
        assert wrong() == (0, 0)
        assert all(writer.done > 100 for writer in writers)
