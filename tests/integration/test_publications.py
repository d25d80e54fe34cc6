"""Publications: refused by name or carried over, exactly, there and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors

from tests.acceptance.commands import run
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import OWNER, TestDatabase
from tests.steps_driver import Migration
from uuidmig import PlanOptions, RunOptions, abort, cutover, make_plan, migrate, rollback, status
from uuidmig.errors import PreflightRefused, SchemaDrift
from uuidmig.planner.model import Hazard
from uuidmig.steps.subscribers import subscriber_commands

ACCEPTED = PlanOptions(accept_replication=True)
PARENTS = 'Weird Name.Par "A" ent'

SCHEMA: LiteralString = """
create schema "Weird Name";
create table "Weird Name"."Par ""A"" ent" (
    id uuid primary key default gen_random_uuid(), n int not null, "the $note" text,
    twice int generated always as (n * 2) stored,
    created_at timestamptz not null default clock_timestamp());
create table children (
    gone int, id uuid primary key default gen_random_uuid(), n int not null unique,
    parent_id uuid not null references "Weird Name"."Par ""A"" ent");
alter table children drop column gone;
create table plain (id int primary key, n int);
insert into "Weird Name"."Par ""A"" ent" (n) select generate_series(1, 10);
insert into children (n, parent_id) select n, id from "Weird Name"."Par ""A"" ent";
"""

FOR_TABLES: dict[str, LiteralString] = {
    "whole tables": 'create publication p for table children, "Weird Name"."Par ""A"" ent", plain',
    "one table alone": "create publication p for table children",
    "columns": """
        create publication "P ""1"" x" for table
            "Weird Name"."Par ""A"" ent" (id, "the $note", created_at), children (id)""",
    "rows": """
        alter table children replica identity full;
        create publication p for table
            children where (n > 3 and abs(n) <> 2), plain where (id > 0)""",
    "columns and rows": """
        alter table children replica identity using index children_n_key;
        create publication p for table children (id, n) where (n > 3)""",
    "several": """
        create publication p for table children;
        create publication q for table children where (n > 3), plain with (publish = 'insert');
        create publication r for table only children with (publish_via_partition_root = true);
        comment on publication q is 'inserts'""",
}


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect_admin(autocommit=True) as connection:
        yield connection


def found(database: TestDatabase, options: PlanOptions, code: str) -> list[Hazard]:
    return [h for h in make_plan(database.dsn, options).hazards if h.code == code]


def use_all(owner: psycopg.Connection[Any]) -> None:
    """Insert, change and delete in every table: the publisher refuses without an identity."""
    owner.execute("""
        insert into "Weird Name"."Par ""A"" ent" (n) values (11);
        insert into children (n, parent_id)
            select n, id from "Weird Name"."Par ""A"" ent" where n = 11;
        update "Weird Name"."Par ""A"" ent" set "the $note" = 'x' where n < 5;
        update children set n = n + 100 where n = 1;
        update children set n = n - 100 where n = 101;
        delete from children where n = 11;
        delete from "Weird Name"."Par ""A"" ent" where n = 11""")


@pytest.mark.parametrize("case", FOR_TABLES)
def test_membership_there_and_back(
    database: TestDatabase, owner: psycopg.Connection[Any], case: str
) -> None:
    owner.execute(FOR_TABLES[case])
    dump, sent = schema_dump(database), sent_by_all(owner)
    migration = Migration.of(owner, ACCEPTED)
    migration.run_to_cutover()
    use_all(owner)
    assert sent_by_all(owner) == sent
    migration.rollback()
    use_all(owner)
    assert sent_by_all(owner) == sent
    migration.abort()
    assert_same(schema_dump(database), dump)

    migration = Migration.of(owner, ACCEPTED)
    migration.run_to_cutover()
    migration.validate()
    migration.finish()
    use_all(owner)
    assert_same(finished_dump(database), with_new_defaults(dump, migration.plan))


def sent_by_all(owner: psycopg.Connection[Any]) -> list[Any]:
    return owner.execute("select * from pg_publication_tables order by 1, 2, 3").fetchall()


def test_a_schema_needs_nothing(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    admin.execute('create publication p for tables in schema public, "Weird Name"')
    admin.execute("create publication q for table plain, tables in schema public")
    dump, sent = schema_dump(database), sent_by_all(owner)
    migration = Migration.of(owner, ACCEPTED)
    migration.run_to_cutover()
    use_all(owner)
    assert sent_by_all(owner) == sent
    migration.rollback()
    use_all(owner)
    migration.abort()
    assert_same(schema_dump(database), dump)


@pytest.mark.parametrize("identity", ["full", "nothing", "using index children_n_key", "default"])
def test_replica_identity_is_there_when_the_table_is_published(
    owner: psycopg.Connection[Any], identity: LiteralString
) -> None:
    what: LiteralString = "insert" if identity == "nothing" else "insert, update, delete, truncate"
    owner.execute("alter table children replica identity " + identity)
    owner.execute("create publication p for table children with (publish = '" + what + "')")
    query = (
        "select relreplident, (select array_agg(indexrelid::regclass::text) from pg_index"
        " where indrelid = c.oid and indisreplident) from pg_class c"
        " where c.oid = 'children'::regclass"
    )
    before = owner.execute(query).fetchone()
    migration = Migration.of(owner, ACCEPTED)
    migration.run_to_cutover()
    assert owner.execute(query).fetchone() == before
    use_all(owner)
    migration.rollback()
    assert owner.execute(query).fetchone() == before
    use_all(owner)


def test_generated_columns_of_18(database: TestDatabase, owner: psycopg.Connection[Any]) -> None:
    if database.server.version < 18:
        pytest.skip("came with PostgreSQL 18")
    owner.execute("""
        create publication p for table "Weird Name"."Par ""A"" ent"
            with (publish_generated_columns = stored);
        create publication q for table "Weird Name"."Par ""A"" ent" (id, twice)""")
    dump, sent = schema_dump(database), sent_by_all(owner)
    assert any("twice" in row[3] for row in sent)
    migration = Migration.of(owner, ACCEPTED)
    migration.run_to_cutover()
    use_all(owner)
    assert sent_by_all(owner) == sent
    migration.rollback()
    migration.abort()
    assert_same(schema_dump(database), dump)


def test_what_was_changed_since_the_cutover_is_kept_by_a_rollback(
    owner: psycopg.Connection[Any],
) -> None:
    owner.execute("create publication p for table children; create publication q for table plain")
    migration = Migration.of(owner, ACCEPTED)
    migration.run_to_cutover()
    owner.execute("""
        drop publication p; alter publication q add table children (id, n);
        create publication r for table "Weird Name"."Par ""A"" ent" where (n > 2)""")
    sent = sent_by_all(owner)
    migration.rollback()
    assert sent_by_all(owner) == sent
    migration.abort()
    assert sent_by_all(owner) == sent


@pytest.mark.parametrize("kind", ["table children", "tables in schema public"])
def test_refused_by_name_unless_accepted(
    database: TestDatabase,
    owner: psycopg.Connection[Any],
    admin: psycopg.Connection[Any],
    kind: LiteralString,
) -> None:
    admin.execute('create publication "To Whom" for ' + kind)
    admin.execute(f'alter publication "To Whom" owner to {OWNER}'.encode())
    dump = schema_dump(database)
    with pytest.raises(PreflightRefused, match=r"To Whom: .*public\.children"):
        migrate(database.dsn)
    ended = run(database.dsn, "plan")
    assert ended.code == 3
    for part in ("To Whom", "--accept-replication", "Subscribers", "TRUNCATE"):
        assert part in ended.output
    assert status(database.dsn).state is None
    assert_same(schema_dump(database), dump)
    (accepted,) = found(database, ACCEPTED, "published")
    assert (accepted.severity, accepted.object) == ("warning", "To Whom")
    assert make_plan(database.dsn, ACCEPTED).refusals == ()


def test_an_outside_table_may_be_published(
    database: TestDatabase, owner: psycopg.Connection[Any]
) -> None:
    owner.execute("create publication p for table plain")
    plan = make_plan(database.dsn, PlanOptions())
    assert (plan.refusals, plan.publications, subscriber_commands(plan)) == ((), (), ())


def test_all_tables_are_refused_unless_accepted(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    options: LiteralString = "publish = 'insert, delete', publish_via_partition_root = true"
    if database.server.version >= 18:
        options += ", publish_generated_columns = stored"
    admin.execute("create publication everything for all tables with (" + options + ")")
    with pytest.raises(PreflightRefused, match=r"everything: .*FOR ALL TABLES"):
        migrate(database.dsn)
    commands = subscriber_commands(make_plan(database.dsn, PlanOptions()))
    schemas = 'FOR TABLES IN SCHEMA "Weird Name", "public"'
    assert f'CREATE PUBLICATION "uuidmig_instead" {schemas} WITH ({options});' in commands
    assert f'CREATE PUBLICATION "everything" FOR ALL TABLES WITH ({options});' in commands
    accepted = make_plan(database.dsn, ACCEPTED)
    assert "published-all-tables" in [hazard.code for hazard in accepted.hazards]
    assert "uuidmig_instead" not in "\n".join(subscriber_commands(accepted))


def test_all_tables_stay_published(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    """The server refuses UPDATE and DELETE of what is published without an identity."""
    admin.execute("create publication everything for all tables")
    owner.execute('create table keyless (parent_id uuid references "Weird Name"."Par ""A"" ent")')
    refusals = [(h.code, h.object) for h in make_plan(database.dsn, ACCEPTED).refusals]
    assert ("no-replica-identity", "public.keyless") in refusals
    owner.execute("drop table keyless")
    if database.server.version >= 18:
        (refused,) = make_plan(database.dsn, ACCEPTED).refusals
        assert (refused.code, refused.object) == ("unpublished-generated-column", PARENTS)
        admin.execute("alter publication everything set (publish_generated_columns = stored)")
    dump = schema_dump(database)
    migrate(database.dsn, ACCEPTED)
    use_all(owner)
    rollback(database.dsn)
    use_all(owner)
    abort(database.dsn)
    assert_same(schema_dump(database), dump)
    assert migrate(database.dsn, replace(ACCEPTED, strategy="default-only")).state == "switched"
    rollback(database.dsn)
    abort(database.dsn)
    assert_same(schema_dump(database), dump)


def test_a_row_filter_that_reads_keys_is_refused(
    database: TestDatabase, owner: psycopg.Connection[Any]
) -> None:
    owner.execute("""
        alter table children replica identity full;
        create publication one for table children (id, n, parent_id)
            where (n > 1 and parent_id <> '11111111-1111-4111-8111-111111111111');
        create publication two for table children (id, parent_id, n) where (n > 1)""")
    (refused,) = found(database, ACCEPTED, "publication-row-filter")
    assert refused.object == "one"
    assert "parent_id" in refused.message
    assert "11111111-1111" in refused.message


def test_the_publication_of_somebody_else(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    admin.execute('create publication "Theirs" for table children')
    admin.execute("create publication of_the_schema for tables in schema public")
    (missing,) = found(database, ACCEPTED, "missing-right")
    assert missing.object == 'publication "Theirs"'


def test_a_subscription_is_refused_accepted_or_not(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    with filled_from_elsewhere(admin):
        for options in (PlanOptions(), ACCEPTED):
            with pytest.raises(PreflightRefused, match=r'subscription "S": fills the table'):
                migrate(database.dsn, options)


def test_a_subscription_since_prepare_stops_the_cutover(
    owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    """What a subscription writes fires no trigger of ours: it would be lost."""
    migration = Migration.of(owner)
    migration.prepare()
    migration.fill()
    with filled_from_elsewhere(admin), pytest.raises(errors.ObjectInUse, match="changed since"):
        migration.cutover()
    migration.cutover()


@pytest.mark.parametrize("kind", ["tables in schema public", "all tables"])
def test_a_publication_since_prepare_stops_the_cutover(
    database: TestDatabase,
    owner: psycopg.Connection[Any],
    admin: psycopg.Connection[Any],
    kind: LiteralString,
) -> None:
    """The application goes on, and there is a way out, even while all tables are published."""
    dump = schema_dump(database)
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    admin.execute("create publication p for " + kind)
    use_all(owner)
    with pytest.raises(SchemaDrift, match="changed since prepare"):
        cutover(database.dsn)
    use_all(owner)
    abort(database.dsn)
    admin.execute("drop publication p")
    assert_same(schema_dump(database), dump)


@contextmanager
def filled_from_elsewhere(admin: psycopg.Connection[Any]) -> Iterator[None]:
    """While the block runs, a subscription fills the table children."""
    admin.execute("set allow_system_table_mods = on")
    admin.execute("""
        create subscription "S" connection 'dbname=nowhere' publication p
            with (connect = false, slot_name = none);
        insert into pg_subscription_rel
            select oid, 'children'::regclass, 'i' from pg_subscription where subname = 'S'""")
    try:
        yield
    finally:  # a database with a subscription cannot be dropped
        admin.execute('drop subscription "S"')


def test_the_commands_are_told_before_and_after(
    database: TestDatabase, owner: psycopg.Connection[Any]
) -> None:
    owner.execute(FOR_TABLES["columns"])
    ended = run(database.dsn, "migrate", "--yes", "--accept-replication")
    assert ended.code == 0, ended
    before, after = ended.output.split("prepare: create", 1)
    truncate = 'TRUNCATE "Weird Name"."Par ""A"" ent", "public"."children";'
    drop = 'ALTER SUBSCRIPTION :"subscription" DROP PUBLICATION "P ""1"" x";'
    add = 'ALTER SUBSCRIPTION :"subscription" ADD PUBLICATION "P ""1"" x" WITH (refresh = false);'
    for part in (truncate, drop, add):
        assert part in before
    assert truncate in after
    assert add in after
    assert drop not in after
    back = run(database.dsn, "rollback", "--yes")
    assert back.code == 0, back
    for part in (truncate, drop, add):
        assert part in back.output


def test_other_plugins_see_all_there_is(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    name = f"{database.name}_cdc"
    admin.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", [name])
    admin.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [name + "_pg"])
    try:
        hazards = found(database, PlanOptions(), "logical-slot")
        told = {h.object: h.message for h in hazards if h.object.startswith(name)}
        assert "Weird Name__uuid7, public__uuid7" in told[name]
        assert "test_decoding, inactive" in told[name]
        assert "its publications send" in told[name + "_pg"]
        assert migrate(database.dsn, run_options=RunOptions(workers=1)).state == "validated"
        changes = admin.execute(
            "select string_agg(data, ' ') from pg_logical_slot_get_changes(%s, null, null)", [name]
        ).fetchone()
        assert changes is not None
        assert "table public__uuid7.children: INSERT" in changes[0]
        assert "table uuidmig.run: INSERT" in changes[0]
    finally:
        for slot in (name, name + "_pg"):
            admin.execute("select pg_drop_replication_slot(%s)", [slot])
    rollback(database.dsn)
    abort(database.dsn)
