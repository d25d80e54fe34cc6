"""FORCE ROW LEVEL SECURITY: who may go past it, what may not, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.integration.forced_tables import (
    SCHEMA,
    assert_restricted,
    rows_of,
    versions,
)
from tests.servers import OWNER, TestDatabase
from uuidmig import finish, migrate, rollback
from uuidmig.engine.options import RunOptions
from uuidmig.engine.planning import make_plan
from uuidmig.errors import UuidmigError
from uuidmig.planner.model import PlanOptions
from uuidmig.steps import unforced

Connection = psycopg.Connection[Any]


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[Connection]:
    with database.connect_admin(autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Connection]:
    """The application: tenant a, as the owner of the tables."""
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("select set_config('shop.tenant', 'a', false)")
        yield connection


def test_nobody_else_gets_anything_run(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    """What runs as the owner by way of a table runs nothing for those who can only write to it."""
    plan = make_plan(database.dsn, PlanOptions())
    assert unforced.is_needed(plan)
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    stranger = sql.Identifier(f"stranger {database.name}")
    admin.execute(sql.SQL("create role {}").format(stranger))
    try:
        for grant in ("usage on schema uuidmig", "all on all tables in schema uuidmig"):
            admin.execute(sql.SQL("grant {} to {}").format(sql.SQL(grant), stranger))
        admin.execute(sql.SQL("set session authorization {}").format(stranger))
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"only {OWNER} may"):
            admin.execute("select uuidmig.unforced('select 1', 'rows')")
    finally:
        admin.execute("reset session authorization")
        admin.execute(sql.SQL("drop owned by {0}; drop role {0}").format(stranger))


def test_policies_that_apply_even_so_are_an_error(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    """Here because the table is somebody else's: it is no way past policies, only past FORCE. The
    session says row_security = on, which would leave rows out."""
    admin.execute(
        sql.SQL("""create table theirs as select 1 as n; alter table theirs enable row level
            security; grant select on theirs to {}""").format(sql.Identifier(OWNER))
    )
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    assert owner.execute("select count(*) from theirs").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security policy"):
        owner.execute("select uuidmig.unforced('select count(*) from theirs', 'value')")


def test_what_was_not_run_is_an_error(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    admin.execute("select uuidmig.unforced('select 1', 'value')")
    admin.execute("set session_replication_role = replica")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="do not fire"):
        admin.execute("select uuidmig.unforced('select 1', 'value')")


def test_without_temporary_tables_it_is_refused(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    name = sql.Identifier(database.name)
    owning = sql.Identifier(OWNER)
    admin.execute(sql.SQL("revoke temporary on database {} from public, {}").format(name, owning))
    refused = {h.code: h.remedy for h in make_plan(database.dsn, PlanOptions()).refusals}
    assert {"forced-row-security", "missing-right"} <= set(refused)
    assert "NO FORCE ROW LEVEL SECURITY" in refused["forced-row-security"]
    owner.execute('alter table "The Shop".orders no force row level security')
    owner.execute('alter table "The Shop".items no force row level security')
    owner.execute('alter table "The Shop".regions no force row level security')
    plan = make_plan(database.dsn, PlanOptions())
    assert [hazard.code for hazard in plan.refusals] == ["missing-right"]


def test_a_snapshot_stays_what_it_was(database: TestDatabase, owner: Connection) -> None:
    """The comparison and every replay pass work on one snapshot: so must what they run this way."""
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    count = "select uuidmig.unforced('select count(*) from \"The Shop\".orders', 'value')"
    with database.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert connection.execute(count).fetchone() == ("3000",)
        owner.execute("insert into \"The Shop\".orders (tenant, total) values ('a', 1)")
        assert connection.execute(count).fetchone() == ("3000",)
        connection.rollback()
        assert connection.execute(count).fetchone() == ("3001",)


def test_run_by_a_member_of_the_owner(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    name = f"member_{database.name}"
    member, owning = sql.Identifier(name), sql.Identifier(OWNER)
    admin.execute(sql.SQL("create role {} login password 'x' in role {}").format(member, owning))
    dsn = make_conninfo(database.dsn, user=name, password="x")
    try:
        migrate(dsn)
        assert_restricted(owner)
        rollback(dsn)
        migrate(dsn)
        finish(dsn)
        assert versions(admin) == {7}
        assert sum(row[0] == "b" for row in rows_of(admin)) == 2000
    finally:
        admin.execute(sql.SQL("reassign owned by {} to {}").format(member, owning))
        admin.execute(sql.SQL("drop owned by {0}; drop role {0}").format(member))


def test_materialized_views_are_not_filled_by_us(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    """Theirs are the rows of tenant a, which our sessions know nothing about."""
    owner.execute('create materialized view totals as select total from "The Shop".orders')
    assert owner.execute("select count(*) from totals").fetchone() == (1000,)
    refused = {h.object: h.code for h in make_plan(database.dsn, PlanOptions()).refusals}
    assert refused == {"public.totals": "materialized-view-restricted"}
    owner.execute("refresh materialized view totals with no data")
    migrate(database.dsn, run_options=RunOptions(cutover="manual"))
    owner.execute("refresh materialized view totals")
    with pytest.raises(UuidmigError, match="totals holds may depend on the session"):
        migrate(database.dsn)
    owner.execute("refresh materialized view totals with no data")
    migrate(database.dsn)
    owner.execute("refresh materialized view totals")
    assert owner.execute("select count(*) from totals").fetchone() == (1000,)
    with pytest.raises(UuidmigError, match="totals holds may depend on the session"):
        rollback(database.dsn)
