"""A table with keys in arrays and documents, wherever they may be, and what becomes of them."""

from __future__ import annotations

import re
from typing import LiteralString

from psycopg import sql

from tests.steps_driver import Connection
from uuidmig.planner.model import Discriminator, PlanOptions, SoftReference

SCHEMA: LiteralString = '''
create table orders (
    id uuid primary key default gen_random_uuid(), n int unique,
    created_at timestamptz not null default '2024-01-01'
);
create table customers (
    id uuid primary key default gen_random_uuid(), n int unique, created_at timestamp
);
insert into orders (n, created_at)
    select g, '2024-01-01'::timestamptz + g * interval '1 hour' from generate_series(1, 4) g;
insert into customers (n) select generate_series(1, 4);
create schema "Odd ""Place""";
create table "Odd ""Place"""."The %s Log" (
    n int primary key, "a Kind" text, ids uuid[], texts text[],
    short varchar(40)[], doc jsonb, "old %s" json
);
'''
INDEXES: LiteralString = '''
create index on "Odd ""Place"""."The %s Log" using gin (ids);
create index on "Odd ""Place"""."The %s Log" using gin (texts, short);
create index on "Odd ""Place"""."The %s Log" using gin (doc jsonb_path_ops);
'''
LOG = sql.Identifier('Odd "Place"', "The %s Log")
NAME = '"Odd ""Place"""."The %s Log"'
LATE = "1c9d7f0a-52f3-4f0e-8b57-0c2f6d0e6a22"
NOWHERE = "9b1d7f0a-52f3-4f0e-8b57-0c2f6d0e6a11"
ORDER, CUSTOMER = (Discriminator("a Kind", kind) for kind in ("order", "customer"))
OPTIONS = PlanOptions(
    soft_references=(
        SoftReference(f"{NAME}.ids", "orders.id", ORDER),
        SoftReference(f"{NAME}.ids", "customers.id", CUSTOMER),
        SoftReference(f"{NAME}.texts", "orders.id"),
        SoftReference(f"{NAME}.short", "orders.id"),
        SoftReference(f"{NAME}.short", "customers.id"),
        *(
            SoftReference(f"{NAME}.{column}", f"{table}.id", when, path)
            for column in ("doc", '"old %s"')
            for table, when, path in (
                ("orders", None, "$.order.id"),
                ("orders", None, r'$.items[*]."The \"%s\" \\ No."'),
                ("customers", None, r'$.items[*]."The \"%s\" \\ No."'),
                ("customers", CUSTOMER, "$.tags[*][*]"),
                ("orders", None, "$"),
            )
        ),
    )
)
ITEM = r'"The \"%s\" \\ No."'

# number, kind, column, value: <o1> is the key of order 1, <=o1> the same where it must stay.
DOCUMENTS = [
    (10, "order", '{"order": {"id": "<o1>", "other": "<=o1>"}, "n": 1.50, "id": "<=o1>"}'),
    (11, None, '"<o1>"'),
    (12, None, "null"),
    (13, None, '[{"order": {"id": "<=o1>"}}, "<=o1>"]'),
    (14, None, '{"order": "<=o1>"}'),
    (15, None, '{"order": {"id": ["<=o1>"]}}'),
    (16, None, '{"order": {"id": null}}'),
    (17, None, '{"order": {"id": "{<=o1>}"}}'),
    (18, None, f'{{"order": {{"id": "{NOWHERE}"}}}}'),
    (19, None, '{"order": {"id": "<late>"}}'),
    (20, None, f'{{"items": [{{{ITEM}: "<o2>"}}, {{"x": 1, {ITEM}: "<c1>"}}, 5, null, "<=o1>"]}}'),
    (21, None, f'{{"items": {{"0": {{{ITEM}: "<=o2>"}}}}}}'),
    (22, None, f'{{"items": [[{{{ITEM}: "<=o2>"}}], []], "order": {{"id": "<o3>"}}}}'),
    (23, "customer", '{"tags": [["<c1>", "<=o1>", "<c1>"], "<=c1>", []]}'),
    (24, "order", '{"tags": [["<=c1>"]], "order": {"id": "<o4>"}}'),
    (25, None, "{}"),
    (26, None, '{"items": [], "order": {}}'),
]
CASES = [
    (1, "order", "ids", "{<o1>,<o2>,<o1>}"),
    (2, "order", "ids", "{<o2>,NULL," + NOWHERE + ",<=c1>,<late>}"),
    (3, "order", "ids", "{}"),
    (4, "order", "ids", "{NULL,NULL}"),
    (5, "other", "ids", "{<=o1>}"),
    (6, "order", "ids", "{{<=o1>,<=o2>},{<=o3>,NULL}}"),
    (7, "order", "ids", "[0:2]={<o1>,<o2>,<late>}"),
    (8, "order", "ids", "[-3:-3]={<o3>}"),
    (9, "customer", "ids", "[5:6]={NULL,<c1>}"),
    (30, None, "texts", '{<o1>,"a,<=o1>","{<=o1>}",NULL,"",x,<=c1>,"NULL",<o1>}'),
    (31, None, "texts", "{{<=o1>}}"),
    (32, None, "texts", None),
    (33, None, "texts", "{}"),
    (34, None, "short", "{<o1>,<c2>,short}"),
    (35, None, "short", "[2:3]={<late>,<c3>}"),
    *((n, kind, "doc", value) for n, kind, value in DOCUMENTS),
]
# A json keeps its text: what is written on the way to a key, and what becomes of it.
TEXTS = [
    (50, '  { "order" : {"id":"<=c1>"} , "n" : 1.50,"n":2 } ', None),
    (
        51,
        '{"z" : [1 ,2], "order":{"n":1.0e5,"id": "<o1>","a":"\\u00e9"},"order":{"id":"<o2>"} }',
        '{ "z" : [1 ,2], "order" : { "n" : 1.0e5, "id" : "<o1>", "a" : "\\u00e9" }, '
        '"order" : { "id" : "<o2>" } }',
    ),
    (52, '{"order": {"id":"<=o1>"}, "x": "\\u0000"}', None),
    (53, '{"order": {"id":"<=o1>"}, "x": "\\ud83d"}', None),
    (54, '{"order": {"id":"<=o1>"}, "x": "\\ude00\\ud83d"}', None),
    (
        55,
        '{"order":{"id":"<o1>"},"x": "\\\\u0000"}',
        '{ "order" : { "id" : "<o1>" }, "x" : "\\\\u0000" }',
    ),
    (
        56,
        '{"order":{"id":"<o1>"},"x": "\\ud83D\\uDe00"}',
        '{ "order" : { "id" : "<o1>" }, "x" : "\\ud83D\\uDe00" }',
    ),
    (
        57,
        '{"ord\\u0065r":{"id":"<late>"},"x":1e999999}',
        '{ "order" : { "id" : "<late>" }, "x" : 1e999999 }',
    ),
    (58, ' "<o1>" ', '"<o1>"'),
    (
        59,
        '{"items" : [ {' + ITEM + ':"<c1>"} ,7 , {"y" :1}]}',
        f'{{ "items" : [{{ {ITEM} : "<c1>" }}, 7, {{"y" :1}}] }}',
    ),
    (60, '{"order": {"id": 5, "x" : "<=o1>"}, "items": 5 }', None),
]


class Log:
    """The table that holds references, and the keys they are made of."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.old = self.keys()

    def keys(self) -> dict[str, str]:
        found = self.connection.execute(
            "select 'o' || n, id::text from orders union all"
            " select 'c' || n, id::text from customers"
        )
        return {"late": LATE, **dict(found.fetchall())}

    def write(self, text: str | None, mapped: dict[str, str]) -> str | None:
        """Return the text with `mapped` keys, with old ones where they stay."""

        def key(found: re.Match[str]) -> str:
            return (self.old if found[1] else mapped)[found[2]]

        return None if text is None else re.sub(r"<(=?)(\w+)>", key, text)

    def insert(self, number: int, kind: str | None, column: str, value: str | None) -> None:
        values = map(sql.Literal, (number, kind, self.write(value, self.old)))
        self.connection.execute(
            sql.SQL('insert into {} (n, "a Kind", {}) values ({})').format(
                LOG, sql.Identifier(column), sql.SQL(", ").join(values)
            )
        )

    def fill(self, offset: int = 0) -> None:
        for number, kind, column, value in CASES:
            self.insert(number + offset, kind, column, value)
        for number, value, _ in TEXTS:
            self.insert(number + offset, None, "old %s", value)

    def texts(self) -> dict[int, str | None]:
        """Return what the one column of each row holds that holds something."""
        query = sql.SQL(
            "select n, coalesce(ids::text, texts::text, short::text, doc::text, {}::text) from {}"
        ).format(sql.Identifier("old %s"), LOG)
        return dict(self.connection.execute(query).fetchall())

    def expected(
        self, mapped: dict[str, str], offset: int = 0, *, rewritten: bool = True
    ) -> dict[int, str | None]:
        """Return what `texts` must be. `rewritten`: a json with keys in it was read and written."""
        found = {number + offset: self.write(text, mapped) for number, _, _, text in CASES}
        for number, _, text in DOCUMENTS:
            row = self.connection.execute(
                "select %s::jsonb::text", [self.write(text, mapped)]
            ).fetchone()
            found[number + offset] = row[0] if row else None
        for number, before, after in TEXTS:
            text = after if after is not None and rewritten else before
            found[number + offset] = self.write(text, mapped)
        return found
