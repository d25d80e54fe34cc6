"""Declared soft references inside arrays and documents: there, back, and what stays untouched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import LiteralString

import pytest
from psycopg import sql

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration, plan_again
from uuidmig.planner.model import Discriminator, PlanOptions, SoftReference
from uuidmig.steps.verbatim import verbatim

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


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


@pytest.fixture
def log(connection: Connection) -> Log:
    log = Log(connection)
    log.fill()
    return log


@pytest.fixture(params=["indexed", "scanned"])
def indexed(request: pytest.FixtureRequest, connection: Connection) -> bool:
    if request.param == "indexed":
        connection.execute(INDEXES)
    return bool(request.param == "indexed")


@pytest.mark.usefixtures("indexed")
def test_there_and_back_and_there_again(connection: Connection, log: Log) -> None:
    before = log.texts()
    assert before == log.expected(log.old, rewritten=False)
    migration = Migration.of(connection, OPTIONS)
    migration.prepare()
    # what the rows of the log name comes later, and what they name gets another key
    migration.fill(lambda: connection.execute("insert into orders values (%s, 9)", [LATE]))
    connection.execute("update orders set created_at = created_at - interval '1 day' where n = 2")
    connection.execute("update customers set created_at = '2021-01-01' where n = 1")
    migration.drain()
    migration.assert_shadows_equal()
    migration.verify()
    migration.cutover()
    new = log.keys() | {"late": late(connection)}
    assert {key[14] for key in new.values()} == {"7"}
    assert log.texts() == log.expected(new)

    # remembered keys are translated: a row of before, written again, becomes the same
    log.fill(1000)
    assert log.texts() == log.expected(new) | log.expected(new, 1000)

    connection.execute(sql.SQL("update {} set n = n + 100 where n < 1000").format(LOG))
    migration.rollback()
    assert log.texts() == log.expected(log.old, 100) | log.expected(log.old, 1000)
    migration.abort()
    connection.execute("delete from orders where n = 9")
    connection.execute("insert into orders values (%s, 9)", [LATE])

    again = plan_again(migration)
    again.run_to_cutover()
    new = log.keys() | {"late": late(connection)}
    assert log.texts() == log.expected(new, 100) | log.expected(new, 1000)
    again.validate()
    again.finish()


def late(connection: Connection) -> str:
    row = connection.execute("select id::text from orders where n = 9").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("number", "broken"),
    [
        (1, "ids = ids[2:2] || ids[1:1] || ids[3:3]"),
        (1, "ids[2] = gen_random_uuid()"),
        (2, "ids = array_remove(ids, null)"),
        (3, "ids = null"),
        (6, "ids = (select array_agg(e) from unnest(ids) e)"),
        (8, "ids = (select array_agg(e) from unnest(ids) e)"),
        (30, "texts[9] = texts[7]"),
        (34, "short[3] = 'SHORT'"),
        (10, """doc = jsonb_set(doc, '{order,id}', doc -> 'id')"""),
        (10, """doc = jsonb_set(doc, '{n}', '1.5')"""),
        (20, """doc = jsonb_set(doc, '{items,1}', doc #> '{items,0}')"""),
        (50, """"old %s" = "old %s"::jsonb::json"""),
        (51, """"old %s" = replace("old %s"::text, '1.0e5', '1e5')::json"""),
    ],
)
def test_a_difference_is_found(
    connection: Connection, log: Log, number: int, broken: LiteralString
) -> None:
    migration = Migration.of(connection, OPTIONS)
    migration.prepare()
    migration.fill()
    (shadow,) = (t for t in migration.plan.tables if t.name.name == "The %s Log")
    migration.check_sums(shadow)
    connection.execute(
        sql.SQL("update {} set {} where n = {}").format(
            shadow.shadow.identifier, verbatim(broken), sql.Literal(number)
        )
    )
    with pytest.raises(AssertionError):
        migration.check_sums(shadow)


def test_what_is_added_and_what_begins_to_count_is_translated(
    connection: Connection, log: Log
) -> None:
    migration = Migration.of(connection, OPTIONS)
    migration.run_to_cutover()
    new = log.keys()
    run = connection.execute
    # the application's session may compile: a trigger's statements it shall not
    settings = run(
        "select proname from pg_proc where proname ~ '^grace_' and 'jit=off' = any(proconfig)"
    )
    assert settings.fetchall() == [("grace_3",)]
    run(
        sql.SQL("update {} set ids = ids || {}::uuid where n = 1").format(
            LOG, sql.Literal(log.old["o4"])
        )
    )
    run(sql.SQL("update {} set {} = 'order' where n = 5").format(LOG, sql.Identifier("a Kind")))
    run(sql.SQL("update {} set ids[1] = {} where n = 8").format(LOG, sql.Literal(log.old["o1"])))
    assert log.texts()[1] == log.write("{<o1>,<o2>,<o1>,<o4>}", new)
    assert log.texts()[5] == log.write("{<o1>}", new)
    assert log.texts()[8] == log.write("[-3:1]={<o3>,NULL,NULL,NULL,<o1>}", new)

    migration.validate()
    migration.finish()
    log.insert(200, "order", "ids", "{<=o1>}")
    assert log.texts()[200] == log.write("{<=o1>}", new)


@pytest.mark.usefixtures("indexed")
def test_keys_inside_rows_that_do_not_change_come_and_go(connection: Connection, log: Log) -> None:
    """The replay finds rows by what is in them, whether they changed or not."""
    migration = Migration.of(connection, OPTIONS)
    migration.prepare()
    migration.fill()
    for change in (
        sql.SQL("insert into orders values ({}, 9)").format(sql.Literal(LATE)),
        sql.SQL("update orders set created_at = '2020-02-02' where n = 9"),
        sql.SQL("delete from orders where n in (9, 3)"),
        sql.SQL("insert into customers values ({}, 9)").format(sql.Literal(LATE)),
        sql.SQL("update customers set created_at = '2019-01-01'"),
        sql.SQL("truncate customers"),
    ):
        connection.execute(change)
        migration.drain()
        migration.assert_shadows_equal()
    migration.verify()
