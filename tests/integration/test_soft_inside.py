"""Declared soft references inside arrays and documents: there, back, and what stays untouched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import sql

from tests.alembic_project import Project
from tests.integration.users_alembic import WRITE, project_of, revision
from tests.servers import TestDatabase
from tests.soft_log import INDEXES, LATE, LOG, OPTIONS, SCHEMA, Log
from tests.steps_driver import Connection, Migration, plan_again
from uuidmig.alembic_.render import NAMES
from uuidmig.steps.verbatim import verbatim


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


@pytest.fixture
def project(
    database: TestDatabase, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Project:
    declared = [asdict(reference) for reference in OPTIONS.soft_references]
    monkeypatch.setenv("UUIDMIG_SOFT_REFERENCES", dumps(declared))
    return project_of(database, tmp_path)


def test_by_hand_with_psql_and_alembic_alone(project: Project, log: Log) -> None:
    between = project.uuidmig("plan", "--sql", *WRITE[1:]).stdout
    ids = ["base1", *(revision(project, name) for name in NAMES)]

    project.psql(project.alembic("upgrade", f"{ids[0]}:{ids[1]}", "--sql"))
    log.connection.execute("insert into orders values (%s, 9)", [LATE])
    project.psql(between)
    project.psql(project.alembic("upgrade", f"{ids[1]}:{ids[2]}", "--sql"))
    new = log.keys() | {"late": late(log.connection)}
    assert log.texts() == log.expected(new)
    log.fill(1000)
    assert log.texts() == log.expected(new) | log.expected(new, 1000)

    project.psql(project.alembic("downgrade", f"{ids[2]}:{ids[1]}", "--sql"))
    before = log.expected(log.old, rewritten=False)
    assert log.texts() == before | log.expected(log.old, 1000)


def test_with_commands_there_and_back(project: Project, log: Log) -> None:
    log.connection.execute("insert into orders values (%s, 9)", [LATE])
    plan = " ".join(project.uuidmig("plan").stdout.split())
    assert "keys of public.orders.id, at $.order.id" in plan
    project.uuidmig("plan", "--canary")
    project.uuidmig("migrate", "--yes")
    new = log.keys() | {"late": late(log.connection)}
    assert log.texts() == log.expected(new)
    project.uuidmig("rollback", "--yes")
    assert log.texts() == log.expected(log.old, rewritten=False)
    project.uuidmig("abort", "--yes")
    project.uuidmig("migrate", "--yes")
    project.uuidmig("finish", "--yes")
    again = log.keys() | {"late": late(log.connection)}  # of other plan times
    assert log.texts() == log.expected(again)
