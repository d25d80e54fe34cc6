"""The revisions on a server: in the packaged environment, and in one of the user's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from tests.schema_dump import schema_dump
from tests.servers import TestDatabase
from tests.steps_driver import Migration
from uuidmig.alembic_.render import Revision, render_revisions, write_revisions
from uuidmig.alembic_.runner import current, downgrade, stored_revisions, upgrade
from uuidmig.demo.data import load_shop
from uuidmig.demo.schema import create_shop
from uuidmig.errors import WrongState

ODD = 'od"d :x ::y %s %% \\ {z} \'\'\' """ \r\n\t.'

ONLINE = """
import os

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(
    "postgresql+psycopg://",
    creator=lambda: psycopg.connect(os.environ["TEST_DSN"]),
    poolclass=pool.NullPool,
)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

OFFLINE = """
from alembic import context

context.configure(dialect_name="postgresql", literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def shop(connection: psycopg.Connection) -> Migration:
    create_shop(connection)
    load_shop(connection, orders=50)
    return Migration.of(connection)


def up(database: TestDatabase, revisions: tuple[Revision, ...], name: str, **more: str) -> None:
    settings = {f"uuidmig.{setting}": value for setting, value in more.items()}
    upgrade(database.dsn, revisions, name, settings=settings, application_name="uuidmig:test")


def down(database: TestDatabase, revisions: tuple[Revision, ...], name: str | None) -> None:
    downgrade(database.dsn, revisions, name, settings={}, application_name="uuidmig:test")


def own_schemas(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%uuid%'")
    return {name for (name,) in rows}


def in_transaction(database: TestDatabase) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state LIKE 'idle in%%'"
    with database.connect_admin() as connection:
        row = connection.execute(query, [database.name]).fetchone()
    assert row is not None
    return int(row[0])


def test_prepare_and_its_downgrade_leave_the_schema_as_it_was(
    database: TestDatabase, shop: Migration, capfd: pytest.CaptureFixture[str]
) -> None:
    before = schema_dump(database)
    revisions = render_revisions(shop.plan)

    up(database, revisions, "prepare")

    assert current(database.dsn) == revisions[0].id
    assert stored_revisions(shop.connection) == revisions
    assert own_schemas(shop.connection) == {"uuidmig", "uuidmig_keys", "shop__uuid7"}
    assert shop.connection.execute("SELECT state FROM uuidmig.run").fetchall() == [("prepared",)]

    down(database, revisions, None)

    assert schema_dump(database) == before
    assert current(database.dsn) is None
    assert in_transaction(database) == 0
    assert capfd.readouterr() == ("", "")


def test_failed_prepare_leaves_nothing(database: TestDatabase, shop: Migration) -> None:
    shop.connection.execute("CREATE SCHEMA shop__uuid7")
    before = schema_dump(database)

    with pytest.raises(errors.DuplicateSchema):
        up(database, render_revisions(shop.plan), "prepare")

    assert schema_dump(database) == before
    assert in_transaction(database) == 0


def test_prepare_gives_up_on_a_lock_within_its_budget(
    database: TestDatabase, shop: Migration
) -> None:
    with database.connect() as other:
        other.execute("LOCK TABLE shop.orders IN ROW EXCLUSIVE MODE")
        with pytest.raises(errors.LockNotAvailable):
            up(database, render_revisions(shop.plan), "prepare", lock_budget="50")
        other.rollback()

    assert own_schemas(shop.connection) == set()


def test_application_name_shows_who_waits(database: TestDatabase, shop: Migration) -> None:
    revisions = render_revisions(shop.plan)
    waiting = (
        "SELECT FROM pg_stat_activity WHERE application_name = 'uuidmig:test'"
        " AND wait_event_type = 'Lock'"
    )
    with database.connect() as other:
        other.execute("LOCK TABLE shop.orders IN ROW EXCLUSIVE MODE")
        budget = {"lock_budget": "60000"}
        run = threading.Thread(target=up, args=(database, revisions, "prepare"), kwargs=budget)
        run.start()
        while run.is_alive() and not shop.connection.execute(waiting).rowcount:
            pass
        assert run.is_alive()
        other.rollback()
        run.join()

    assert current(database.dsn) == revisions[0].id


def test_cutover_needs_a_verified_copy(database: TestDatabase, shop: Migration) -> None:
    revisions = render_revisions(shop.plan)
    up(database, revisions, "prepare")

    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        up(database, revisions, "cutover")

    assert current(database.dsn) == revisions[0].id


def test_all_the_way_whatever_the_default_isolation(
    database: TestDatabase, shop: Migration
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        for name, value in (
            ("default_transaction_isolation", "serializable"),
            ("default_transaction_read_only", "on"),
        ):
            admin.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(database.name), sql.Identifier(name), sql.Literal(value)
                )
            )
    before = schema_dump(database)
    revisions = render_revisions(shop.plan)
    up(database, revisions, "prepare")
    shop.fill()

    shop.connection.execute("UPDATE shop.orders SET id = id")
    with pytest.raises(psycopg.Error, match="wait in the change log") as refused:
        up(database, revisions, "cutover", drain_limit="10")
    assert refused.value.sqlstate == "UM001"
    assert current(database.dsn) == revisions[0].id

    up(database, revisions, "cutover")
    assert current(database.dsn) == revisions[1].id

    down(database, revisions, "prepare")
    assert current(database.dsn) == revisions[0].id
    down(database, revisions, None)
    assert schema_dump(database) == before  # foreign keys are valid again

    up(database, revisions, "prepare")
    shop.fill()
    up(database, revisions, "cutover")
    up(database, revisions, "finish")
    assert current(database.dsn) is None
    assert own_schemas(shop.connection) <= {"uuidmig_keys"}
    assert in_transaction(database) == 0


def test_abort_passes_over_a_foreign_key_that_is_gone(
    database: TestDatabase, shop: Migration
) -> None:
    revisions = render_revisions(shop.plan)
    up(database, revisions, "prepare")
    key = shop.plan.tables[-1].table.foreign_keys[0]
    shop.connection.execute(
        sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
            key.child.identifier, sql.Identifier(key.name)
        )
    )

    down(database, revisions, None)

    assert own_schemas(shop.connection) == set()


def test_odd_names_and_literals_arrive_as_they_are(
    database: TestDatabase, connection: psycopg.Connection
) -> None:
    connection.execute(
        sql.SQL(
            "CREATE TABLE {name} (id uuid PRIMARY KEY DEFAULT gen_random_uuid(),"
            " made timestamptz NOT NULL, {name} text DEFAULT {value} CHECK ({name} <> {value}))"
        ).format(name=sql.Identifier(ODD), value=sql.Literal(ODD))
    )
    connection.execute(
        sql.SQL("INSERT INTO {} (made, {}) VALUES (now(), 'x')").format(
            sql.Identifier(ODD), sql.Identifier(ODD)
        )
    )
    before = schema_dump(database)
    revisions = render_revisions(Migration.of(connection).plan)

    up(database, revisions, "prepare")

    defaults = (
        "SELECT n.nspname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d"
        " JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum"
        " WHERE c.relname = %s AND a.attname = %s"
    )
    found: dict[str, str] = dict(connection.execute(defaults, [ODD, ODD]).fetchall())
    assert set(found) == {"public", "public__uuid7"}
    assert found["public"] == found["public__uuid7"]

    down(database, revisions, None)
    assert schema_dump(database) == before


@pytest.mark.parametrize("way", ["online", "offline"])
def test_same_files_in_an_environment_of_the_users(
    database: TestDatabase, shop: Migration, tmp_path: Path, way: str
) -> None:
    """`alembic upgrade`, and `alembic upgrade --sql | psql`, with the version table in public."""
    before = schema_dump(database)
    revisions = render_revisions(shop.plan)
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(OFFLINE if way == "offline" else ONLINE)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")
    write_revisions(shop.plan, tmp_path / "versions")

    alembic(database, tmp_path, way, "upgrade", revisions[0].id)

    version = "SELECT version_num FROM alembic_version"
    assert shop.connection.execute(version).fetchall() == [(revisions[0].id,)]
    assert current(database.dsn) is None
    with pytest.raises(WrongState, match="your own"):
        up(database, stored_revisions(shop.connection), "cutover")

    start = f"{revisions[0].id}:" if way == "offline" else ""
    alembic(database, tmp_path, way, "downgrade", f"{start}base")

    shop.connection.execute("DROP TABLE alembic_version")
    assert schema_dump(database) == before


def alembic(database: TestDatabase, directory: Path, way: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "alembic", *arguments]
    environment = {**os.environ, "TEST_DSN": database.dsn}
    if way == "offline":
        command.append("--sql")
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if way == "offline":
        psql = [
            str(database.server.bin / "psql"),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            database.dsn,
        ]
        subprocess.run(psql, input=done.stdout, capture_output=True, text=True, check=True)
