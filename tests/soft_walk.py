"""The random walk, with tables that reference others without a foreign key."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, LiteralString
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from tests.random_walk import Connection, RandomWalk
from tests.rollback import written
from uuidmig.planner.model import Discriminator, SoftReference

SCHEMA: LiteralString = """
create domain subject as uuid check (value <> '00000000-0000-0000-0000-000000000000');
create domain memo as varchar(60) check (length(value) < 50);
create domain short_memo as memo;
create table notes (
    number bigint primary key, kind text, subject subject, about uuid, n int, memo short_memo
);
create index on notes (memo);
create index on notes (subject);
create index on notes (about);
create table views (id uuid primary key default gen_random_uuid(), seen uuid, n int);
create index on views (seen);
create table bags (
    number bigint primary key, kind text, held uuid[], texts text[], doc jsonb, old json
);
create table sacks (number bigint primary key, held uuid[], doc jsonb);
create index on sacks using gin (held);
create index on sacks using gin (doc);
"""

DECLARED = (
    SoftReference("notes.subject", "people.id", Discriminator("kind", "person")),
    SoftReference("notes.subject", "tags.id", Discriminator("kind", "tag")),
    SoftReference("notes.subject", "letters.id", Discriminator("kind", "letter")),
    SoftReference("notes.about", "devices.public_id"),
    SoftReference("notes.memo", "people.id", Discriminator("kind", "person")),
    SoftReference("notes.memo", "letters.id", Discriminator("kind", "letter")),
    SoftReference("views.seen", "people.id"),
    SoftReference("views.seen", "stamps.id"),
    SoftReference("bags.held", "people.id", Discriminator("kind", "person")),
    SoftReference("bags.held", "tags.id", Discriminator("kind", "tag")),
    SoftReference("bags.texts", "letters.id"),
    SoftReference("bags.texts", "people.id"),
    SoftReference("bags.doc", "people.id", path="$.who"),
    SoftReference("bags.doc", "people.id", path="$.items[*].who"),
    SoftReference("bags.doc", "letters.id", Discriminator("kind", "letter"), "$.items[*].what[*]"),
    SoftReference("bags.old", "people.id", path="$.items[*].who"),
    SoftReference("bags.old", "tags.id", path="$.items[*].who"),
    SoftReference("sacks.held", "letters.id"),
    SoftReference("sacks.doc", "tags.id", path="$[*].who"),
    SoftReference("sacks.doc", "people.id", path="$[*].who"),
)
KINDS = {"person": "people", "tag": "tags", "letter": "letters", "nothing": "people"}


class SoftWalk(RandomWalk):
    """Rows come before what they reference, outlive it, and become and cease to be references."""

    def __init__(self, connection: Connection, seed: int) -> None:
        super().__init__(connection, seed)
        self.awaited: list[UUID] = []
        self.operations += [
            (8, self.insert_notes),
            (6, self.change_notes),
            (6, self.insert_awaited),
            (3, self.delete_person),
            (3, self.delete_notes),
            (6, self.insert_bags),
            (6, self.change_bags),
            (1, self.truncate_targets),
            (2, self.change_public_id_time),
        ]

    def create(self) -> None:
        self.connection.execute(SCHEMA)
        super().create()
        for _ in range(20):
            self.insert_notes()
            self.insert_bags()

    def any_key(self, table: str) -> UUID | None:
        """Return the key of a row, of one that may be there, or of one that may come."""
        chance = self.random.random()
        if chance < 0.2 and self.remembered:
            return self.random.choice(self.remembered)
        if chance < 0.4:
            self.awaited.append(self.new_key())
            return self.awaited[-1]
        key: UUID | None = self.pick(table)[0]
        return key

    def device(self) -> UUID | None:
        rows = self.connection.execute("select public_id from devices order by number").fetchall()
        return self.random.choice(rows)[0] if rows else self.new_key()

    def insert_notes(self) -> None:
        kind = self.random.choice(sorted(KINDS))
        self.run(
            "insert into notes values (%s, %s, %s, %s, 0, %s)",
            *(self.number(), kind, self.any_key(KINDS[kind]), self.device(), self.memo(kind)),
        )
        seen = self.any_key(self.random.choice(["people", "stamps"]))
        self.run("insert into views values (%s, %s, 0)", self.new_key(), seen)

    def memo(self, kind: str) -> str | None:
        """Return a key in canonical form, in another one, or what is no key."""
        key = self.any_key(KINDS[kind])
        forms = [str(key)] * 5 + [str(key).upper(), f"{{{key}}}", f"see {key}", "", f"{key}\n"]
        return None if key is None else self.random.choice(forms)

    def change_notes(self) -> None:
        kind = self.random.choice(sorted(KINDS))
        rows = self.connection.execute("select number from notes order by number").fetchall()
        first, second = (self.random.choice(rows)[0] if rows else None for _ in range(2))
        self.run("update notes set kind = %s where number = %s", kind, first)
        self.run("update notes set subject = %s where number = %s", self.any_key("tags"), second)
        self.run("update notes set memo = %s where number = %s", self.memo(kind), first)

    def keys(self, *tables: str) -> list[UUID | None]:
        """Return some keys, of other tables too, among them the same one twice, and NULL."""
        tables = (*tables, "people")
        found = [self.any_key(self.random.choice(tables)) for _ in range(self.random.randrange(4))]
        return found + found[:1] + [None] * self.random.randrange(2)

    def array(self, *tables: str) -> list[Any] | None:
        keys = self.keys(*tables)
        nested = [keys, keys[::-1]] if keys else []
        return self.random.choice([keys, keys, keys, keys, nested, None])

    def document(self, layout: str) -> str:
        """Return a document with keys on declared paths and beside them."""
        who, other = (
            None if k is None else str(k) for k in (self.any_key("people"), self.any_key("tags"))
        )
        items = [
            {"who": str(key), "what": [str(k) for k in self.keys("letters")], "than": other}
            for key in self.keys("tags", "letters")
        ]
        shapes: dict[str, list[Any]] = {
            "bag": [{"n": 1, "who": who, "items": items}, {"who": [who], "items": other}, who, {}],
            "sack": [items, items, {"who": who}, [[{"who": who}], who]],
        }
        return written(self.random.choice(shapes[layout]), "json")

    def insert_bags(self) -> None:
        kind, number = self.random.choice(sorted(KINDS)), self.number()
        self.run(
            "insert into bags values (%s, %s, %s::uuid[], %s::uuid[]::text[], %s, %s)",
            *(number, kind, self.array("tags"), self.array("letters")),
            *(self.document("bag"), self.document("bag")),
        )
        held, doc = self.array("letters"), self.document("sack")
        self.run("insert into sacks values (%s, %s::uuid[], %s)", number, held, doc)

    def change_bags(self) -> None:
        rows = self.connection.execute("select number from bags order by number").fetchall()
        first, second = (self.random.choice(rows)[0] if rows else None for _ in range(2))
        kind = self.random.choice(sorted(KINDS))
        self.run("update bags set kind = %s where number = %s", kind, first)
        held, doc = self.array("tags"), self.document("bag")
        self.run("update bags set held = %s::uuid[], doc = %s where number = %s", held, doc, second)
        more = self.any_key("letters")
        self.run(
            "update sacks set held = held || %s::uuid"
            " where number = %s and coalesce(array_ndims(held), 1) = 1",
            *(more, first),
        )
        self.run("delete from sacks where number = %s", second)

    def insert_awaited(self) -> None:
        if not self.awaited:
            return
        key, table = self.random.choice(self.awaited), self.random.choice(sorted(KINDS.values()))
        person = self.pick("people")[0]
        with suppress(UniqueViolation, ForeignKeyViolation), self.connection.transaction():
            if table == "people":
                self.run("insert into people values (%s, null, %s, 5)", key, self.time())
            elif table == "tags":
                self.run("insert into tags values (%s, 5)", key)
            elif person is not None:
                self.run("insert into letters values (%s, %s, 5)", key, person)

    def delete_person(self) -> None:
        self.run("delete from people where id = %s", *self.pick("people"))

    def delete_notes(self) -> None:
        self.run("delete from notes where number %% 7 = %s", self.random.randrange(7))

    def truncate_targets(self) -> None:
        self.run("truncate tags, devices cascade")
        self.insert_awaited()
        self.insert_tree()

    def change_public_id_time(self) -> None:
        self._for_row("devices", "created_at = %s", self.time())
