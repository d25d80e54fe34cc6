"""A DBA's event triggers: those that look on, and those that refuse."""

from __future__ import annotations

from typing import LiteralString

import pytest
from psycopg import sql

from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import TestDatabase
from uuidmig import abort, finish, migrate, rollback, status
from uuidmig.engine.planning import make_plan
from uuidmig.errors import EventTriggerRefused
from uuidmig.planner.model import PlanOptions

SCHEMA: LiteralString = """
    create table orders (id uuid primary key default gen_random_uuid(), n int);
    create table items (id uuid primary key default gen_random_uuid(), o uuid references orders);
    insert into orders (n) select generate_series(1, 50);
    insert into items (o) select id from orders"""

LOGGED: LiteralString = """
    create schema dba;
    create table dba.log (event text, tag text, object text);
    grant usage on schema dba to public;
    create function dba.note() returns event_trigger language plpgsql security definer
    set search_path = '' as $$
    begin
        if tg_event = 'sql_drop' then
            insert into dba.log select tg_event, tg_tag, object_identity
            from pg_catalog.pg_event_trigger_dropped_objects();
        else
            insert into dba.log select tg_event, tg_tag, object_identity
            from pg_catalog.pg_event_trigger_ddl_commands();
        end if;
    end $$;
    create function dba.no_rewrite() returns event_trigger language plpgsql as $$
    begin raise 'no table is rewritten here'; end $$;
    create event trigger looks_on on ddl_command_end execute function dba.note();
    create event trigger sees_drops on sql_drop execute function dba.note();
    create event trigger forbids_rewrites on table_rewrite execute function dba.no_rewrite()"""

LOGIN: LiteralString = """
    create table dba.logins (who text);
    create function dba.seen() returns event_trigger language plpgsql security definer as $$
    begin insert into dba.logins values (session_user); end $$;
    create event trigger at_login on login execute function dba.seen()"""

GUARD: LiteralString = """
    create schema "DBA";
    create function "DBA"."Guard"() returns event_trigger language plpgsql as $$
    declare
        made record;
    begin
        for made in select * from pg_event_trigger_ddl_commands() loop
            if made.schema_name <> all (current_setting('dba.allowed')::text[]) then
                raise 'DDL in schema % is not for you', made.schema_name;
            end if;
        end loop;
    end $$;
    create event trigger "The Guard" on ddl_command_end execute function "DBA"."Guard"()"""


def allow(database: TestDatabase, schemas: str) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET dba.allowed = {}").format(
                sql.Identifier(database.name), sql.Literal(schemas)
            )
        )


def test_they_look_on(database: TestDatabase) -> None:
    with (
        database.connect(autocommit=True) as connection,
        database.connect_admin(autocommit=True) as admin,
    ):
        connection.execute(SCHEMA)
        admin.execute(LOGGED)
        if database.server.version >= 18:
            admin.execute(LOGIN)
        before = schema_dump(database)
        plan = make_plan(database.dsn, PlanOptions())
        noted = [hazard.object for hazard in plan.hazards if hazard.code == "event-trigger"]
        assert noted == ["forbids_rewrites", "looks_on", "sees_drops"]
        migrate(database.dsn)
        rollback(database.dsn)
        abort(database.dsn)
        assert_same(schema_dump(database), before)
        migrate(database.dsn)
        finish(database.dsn)
        assert_same(finished_dump(database), with_new_defaults(before, plan))
        logged = admin.execute("select distinct event, object from dba.log").fetchall()
        assert {
            ("ddl_command_end", "public__uuid7.orders"),
            ("sql_drop", "public__uuid4.orders"),
        } <= set(logged)


@pytest.mark.parametrize(
    ("allowed", "schema"),
    [
        ("{public,pg_temp,uuidmig,uuidmig_keys}", "public__uuid7"),
        ("{public,uuidmig,uuidmig_keys,public__uuid7,public__uuid4}", "pg_temp"),
    ],
)
def test_refused_before_anything_is_done(database: TestDatabase, allowed: str, schema: str) -> None:
    with (
        database.connect(autocommit=True) as connection,
        database.connect_admin(autocommit=True) as admin,
    ):
        connection.execute(SCHEMA)
        allow(database, allowed)
        admin.execute(GUARD)
        before = schema_dump(database)
        with pytest.raises(EventTriggerRefused, match=f"The Guard .*in schema {schema}"):
            migrate(database.dsn)
        assert_same(schema_dump(database), before)
        assert status(database.dsn).state is None


def test_refused_in_the_middle(database: TestDatabase) -> None:
    """The cutover is one transaction: it is refused as a whole, and goes on when it may."""
    with (
        database.connect(autocommit=True) as connection,
        database.connect_admin(autocommit=True) as admin,
    ):
        connection.execute(SCHEMA)
        before = schema_dump(database)
        keys = connection.execute("select max(id::text), min(o::text) from items").fetchone()
        allow(database, "{pg_temp,uuidmig,uuidmig_keys,public,public__uuid7}")
        admin.execute(GUARD)
        with pytest.raises(EventTriggerRefused, match=r"The Guard .*in schema public__uuid4"):
            migrate(database.dsn)
        assert status(database.dsn).state == "verified"
        now = connection.execute("select max(id::text), min(o::text) from items").fetchone()
        assert now == keys
        allow(database, "{pg_temp,uuidmig,uuidmig_keys,public,public__uuid7,public__uuid4}")
        assert migrate(database.dsn).state == "validated"
        rollback(database.dsn)
        abort(database.dsn)
        admin.execute('drop event trigger "The Guard"; drop schema "DBA" cascade')
        assert_same(schema_dump(database), before)
