"""Random changes of every kind over a schema in which keys depend on one another.

All randomness comes from one seeded generator, so a seed tells a failure again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.errors import ForeignKeyViolation, UniqueViolation

Connection = psycopg.Connection[Any]

SCHEMA: LiteralString = """
create table tenants (
    id uuid primary key default gen_random_uuid(), created_at timestamptz, n int
);
create table projects (
    tenant_id uuid not null references tenants on update cascade on delete cascade,
    id uuid default gen_random_uuid(), created_at timestamptz, n int,
    primary key (tenant_id, id)
);
create table tasks (
    tenant_id uuid not null, id uuid default gen_random_uuid(), project_id uuid,
    created_at timestamptz, n int,
    primary key (id, tenant_id),
    foreign key (tenant_id) references tenants on update cascade on delete cascade,
    foreign key (tenant_id, project_id) references projects
        on update cascade on delete set null (project_id)
);
create table people (
    id uuid primary key default gen_random_uuid(),
    boss_id uuid references people on update cascade on delete set null,
    created_at timestamptz, n int
);
create table profiles (
    person_id uuid primary key references people on update cascade on delete cascade, n int
);
create table licences (
    profile_id uuid primary key references profiles on update cascade on delete cascade, n int
);
create table letters (
    id uuid primary key default gen_random_uuid(),
    person_id uuid not null references people on update cascade on delete cascade, n int
);
create table stamps (
    id uuid primary key default gen_random_uuid(),
    letter_id uuid not null references letters on update cascade on delete cascade, n int
);
create table marks (
    number bigint primary key, n int,
    stamp_id uuid references stamps on update cascade on delete set null,
    licence_id uuid references licences on update cascade on delete set null,
    task_tenant uuid, task_id uuid,
    foreign key (task_id, task_tenant) references tasks
        on update cascade on delete set null
);
create table tags (id uuid primary key default gen_random_uuid(), n int);
create table letter_tags (
    letter_id uuid not null references letters on update cascade on delete cascade,
    tag_id uuid not null references tags on update cascade on delete cascade, n int,
    primary key (letter_id, tag_id)
);
create table devices (
    number bigint primary key, public_id uuid not null unique, created_at timestamptz, n int
);
create table readings (
    device uuid primary key references devices (public_id) on update cascade on delete cascade,
    n int
);
create table slots (
    id uuid primary key default gen_random_uuid(), place int not null,
    person_id uuid references people on update cascade on delete set null
        deferrable initially deferred,
    created_at timestamptz, n int,
    unique (place) deferrable initially deferred
);
"""

# Key columns, so that any row of a table can be picked.
TABLES: dict[str, tuple[LiteralString, ...]] = {
    "tenants": ("id",),
    "projects": ("tenant_id", "id"),
    "tasks": ("id", "tenant_id"),
    "people": ("id",),
    "profiles": ("person_id",),
    "licences": ("profile_id",),
    "letters": ("id",),
    "stamps": ("id",),
    "marks": ("number",),
    "tags": ("id",),
    "letter_tags": ("letter_id", "tag_id"),
    "devices": ("number",),
    "readings": ("device",),
    "slots": ("id",),
}


class RandomWalk:
    """Does one random operation a step, each in a transaction of its own."""

    schema: str = SCHEMA
    heaps: tuple[str, ...] = tuple(TABLES)

    def __init__(self, connection: Connection, seed: int) -> None:
        self.connection = connection
        self.random = Random(seed)
        self.counter = 0
        self.done: list[str] = []
        self.remembered: list[UUID] = []
        self.operations: list[tuple[int, Callable[[], None]]] = [
            (6, self.insert_tree),
            (4, self.insert_person),
            (3, self.insert_tenant),
            (6, self.update_plain),
            (6, self.update_timestamp),
            (4, self.move_letter),
            (3, self.move_stamp),
            (3, self.move_task),
            (3, self.change_boss),
            (6, self.change_key),
            (3, self.swap_places),
            (2, self.swap_keys),
            (3, self.born_again),
            (5, self.delete_any),
            (2, self.insert_and_delete),
            (3, self.several_at_once),
            (1, self.truncate_some),
            (2, self.change_device),
            (4, self.use_remembered_key),
        ]

    def create(self) -> None:
        self.connection.execute(self.schema.encode())
        for table in self.heaps:
            # Few rows a page: there are many pages, and updated rows move.
            query = psycopg.sql.SQL("alter table {} set (fillfactor = 10)")
            self.connection.execute(query.format(psycopg.sql.Identifier(table)))
        for _ in range(12):
            self.insert_tenant()
            self.insert_person()
            self.insert_tree()

    def step(self) -> None:
        weights = [weight for weight, _ in self.operations]
        (_, operation) = self.random.choices(self.operations, weights)[0]
        self.done.append(operation.__name__)
        with self.connection.transaction():
            operation()

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.step()

    def run(self, query: LiteralString, *values: Any) -> None:
        self.connection.execute(query, values)

    def new_key(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def number(self) -> int:
        self.counter += 1
        return self.counter

    def time(self) -> datetime | None:
        kind = self.random.randrange(8)
        if kind == 0:
            return None
        if kind == 1:
            return datetime(1950, 1, 1, tzinfo=UTC)
        if kind == 2:
            return datetime(2999, 1, 1, tzinfo=UTC)
        # few values, so that times are equal and come back
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(
            hours=self.random.randrange(5), microseconds=self.random.randrange(3)
        )

    def pick(self, table: str) -> tuple[Any, ...]:
        """Return the key of a random row; a row of NULLs, which matches nothing, when empty."""
        columns = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, TABLES[table]))
        query = psycopg.sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
            columns, psycopg.sql.Identifier(table), columns
        )
        rows = self.connection.execute(query).fetchall()
        return self.random.choice(rows) if rows else (None,) * len(TABLES[table])

    def insert_tenant(self) -> None:
        tenant = self.new_key()
        self.run("insert into tenants values (%s, %s, 0)", tenant, self.time())
        same = self.new_key()  # a key that is unique only together with its tenant
        for other in {tenant, *self.pick("tenants")} - {None}:
            project, task = self.new_key(), self.random.choice([same, self.new_key()])
            self.run("insert into projects values (%s, %s, %s, 0)", other, project, self.time())
            self.run(
                "insert into tasks values (%s, %s, %s, %s, 0)",
                *(other, task, self.random.choice([None, project]), self.time()),
            )

    def insert_person(self) -> None:
        person, boss = self.new_key(), self.pick("people")[0]
        self.remembered.append(person)
        self.run("insert into people values (%s, %s, %s, 0)", person, boss, self.time())
        if self.random.random() < 0.7:
            self.run("insert into profiles values (%s, 0)", person)
            if self.random.random() < 0.7:
                self.run("insert into licences values (%s, 0)", person)
        self.run(
            "insert into slots values (%s, %s, %s, %s, 0)",
            *(self.new_key(), self.number(), person, self.time()),
        )

    def insert_tree(self) -> None:
        (person,) = self.pick("people")
        if person is None:
            return
        letter, tag = self.new_key(), self.new_key()
        self.run("insert into letters values (%s, %s, 0)", letter, person)
        self.run("insert into tags values (%s, 0)", tag)
        self.run("insert into letter_tags values (%s, %s, 0)", letter, tag)
        self.run(
            "insert into letter_tags select %s, id, 1 from tags where id = %s"
            " on conflict do nothing",
            *(letter, *self.pick("tags")),
        )
        for _ in range(2):
            stamp = self.new_key()
            self.run("insert into stamps values (%s, %s, 0)", stamp, letter)
            self.run(
                "insert into marks values (%s, 0, %s, %s, %s, %s)",
                *(self.number(), stamp, *self.pick("licences"), *self.pick("tasks")[::-1]),
            )
        device = self.new_key()
        self.run("insert into devices values (%s, %s, %s, 0)", self.number(), device, self.time())
        self.run("insert into readings values (%s, 0)", device)

    def update_plain(self) -> None:
        table = self.random.choice(sorted(TABLES))
        self._for_row(table, "n = n + 1")

    def _for_row(self, table: str, change: LiteralString, *values: Any) -> None:
        names = [psycopg.sql.Identifier(column) for column in TABLES[table]]
        condition = psycopg.sql.SQL(" and ").join(
            [psycopg.sql.SQL("{} = %s").format(name) for name in names]
        )
        query = psycopg.sql.SQL("update {} set {} where {}").format(
            psycopg.sql.Identifier(table), psycopg.sql.SQL(change), condition
        )
        self.connection.execute(query, [*values, *self.pick(table)])

    def update_timestamp(self) -> None:
        timed = ["tenants", "projects", "tasks", "people", "people", "people", "devices", "slots"]
        self._for_row(self.random.choice(timed), "created_at = %s", self.time())

    def move_letter(self) -> None:
        (person,) = self.pick("people")
        if person is not None:
            self._for_row("letters", "person_id = %s", person)

    def move_stamp(self) -> None:
        (letter,) = self.pick("letters")
        if letter is not None:
            self._for_row("stamps", "letter_id = %s", letter)

    def move_task(self) -> None:
        tenant, project = self.pick("projects")
        if tenant is not None:
            self.run(
                "update tasks t set tenant_id = %s, project_id = %s"
                " where id = %s and tenant_id = %s"
                " and not exists (select from tasks o where o.id = t.id and o.tenant_id = %s)",
                *(tenant, project, *self.pick("tasks"), tenant),
            )

    def change_boss(self) -> None:
        (boss,) = self.pick("people")
        self._for_row("people", "boss_id = %s", boss)
        self._for_row("marks", "licence_id = %s", *self.pick("licences"))

    def change_key(self) -> None:
        table = self.random.choice(["tenants", "people", "letters", "stamps", "tags", "slots"])
        self._for_row(table, "id = %s", self.new_key())
        self._for_row(self.random.choice(["projects", "tasks"]), "id = %s", self.new_key())

    def change_device(self) -> None:
        self._for_row("devices", "public_id = %s", self.new_key())
        self._for_row("devices", "public_id = %s, created_at = %s", self.new_key(), self.time())

    def swap_places(self) -> None:
        first, second = self.pick("slots")[0], self.pick("slots")[0]
        self.run(
            "update slots s set place = o.place from slots o"
            " where s.id in (%s, %s) and o.id in (%s, %s) and s.id <> o.id",
            *(first, second, first, second),
        )

    def swap_keys(self) -> None:
        """Two rows exchange their keys, by way of a third."""
        table = self.random.choice(["people", "tenants", "letters"])
        first, second, between = self.pick(table)[0], self.pick(table)[0], self.new_key()
        if first == second:
            return
        for old, new in ((first, between), (second, first), (between, second)):
            query = psycopg.sql.SQL("update {} set id = %s where id = %s")
            self.connection.execute(query.format(psycopg.sql.Identifier(table)), [new, old])

    def born_again(self) -> None:
        """A row is deleted and another one takes its key, with another time."""
        (person,) = self.pick("people")
        self.run("delete from people where id = %s", person)
        if person is not None:
            self.run("insert into people values (%s, null, %s, 9)", person, self.time())
            if self.random.random() < 0.5:
                letter = self.new_key()
                self.run("insert into letters values (%s, %s, 9)", letter, person)
                self.run("insert into stamps values (%s, %s, 9)", self.new_key(), letter)

    def use_remembered_key(self) -> None:
        """As applications do that know a key for long: whether it is there is another matter."""
        key, time, other = self.random.choice(self.remembered), self.time(), self.new_key()
        kind = self.random.randrange(4)
        with suppress(UniqueViolation, ForeignKeyViolation), self.connection.transaction():
            if kind == 0:
                self.run("insert into letters values (%s, %s, 7)", other, key)
            elif kind == 1:
                self.run(
                    "insert into people values (%s, null, %s, 7)"
                    " on conflict (id) do update set n = 8",
                    *(key, time),
                )
            elif kind == 2:
                self.run("insert into people values (%s, null, %s, 7)", key, time)
                self.run("insert into letters values (%s, %s, 7)", other, key)
            else:
                self._for_row("letters", "person_id = %s", key)

    def delete_any(self) -> None:
        table = self.random.choice(sorted(TABLES))
        names = [psycopg.sql.Identifier(column) for column in TABLES[table]]
        condition = psycopg.sql.SQL(" and ").join(
            [psycopg.sql.SQL("{} = %s").format(name) for name in names]
        )
        query = psycopg.sql.SQL("delete from {} where {}")
        self.connection.execute(
            query.format(psycopg.sql.Identifier(table), condition), self.pick(table)
        )

    def insert_and_delete(self) -> None:
        person = self.new_key()
        self.run("insert into people values (%s, null, %s, 0)", person, self.time())
        self.run("insert into letters values (%s, %s, 0)", self.new_key(), person)
        self.run("delete from people where id = %s", person)

    def several_at_once(self) -> None:
        self.update_timestamp()
        self.move_letter()
        self.update_timestamp()
        self.change_key()
        self.move_stamp()
        self.update_timestamp()

    def truncate_some(self) -> None:
        table = self.random.choice(["stamps", "letter_tags", "tasks", "devices", "letters"])
        query = psycopg.sql.SQL("truncate {} cascade").format(psycopg.sql.Identifier(table))
        self.connection.execute(query)
        for _ in range(4):
            self.insert_tree()
            self.insert_tenant()
