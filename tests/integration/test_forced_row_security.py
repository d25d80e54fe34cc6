"""FORCE ROW LEVEL SECURITY, migrated by the owner whom it restricts: no superuser, no BYPASSRLS.

The application is the owner too, as it is where people force row security. At every stage it must
see what its policies show it, and the migration everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.scenarios.read import SCENARIOS
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import OWNER, TestDatabase
from uuidmig import abort, finish, migrate, rollback
from uuidmig.engine.canary import run_canary
from uuidmig.engine.options import RunOptions
from uuidmig.engine.planning import make_plan
from uuidmig.engine.progress import StepStarted
from uuidmig.errors import PreflightRefused, UuidmigError, VerificationFailed
from uuidmig.planner.model import PlanOptions
from uuidmig.steps import unforced
from uuidmig.steps.all_steps import plan_steps

Connection = psycopg.Connection[Any]

SCHEMA: LiteralString = """
create schema "The Shop";
create table "The Shop".regions (number int primary key);
insert into "The Shop".regions values (1);
alter table "The Shop".regions enable row level security;
alter table "The Shop".regions force row level security; -- nobody sees any row
create table "The Shop".orders (id uuid primary key default gen_random_uuid(), tenant text not null,
    total int, created_at timestamptz not null default clock_timestamp(),
    region int not null default 1 references "The Shop".regions);
create table "The Shop".items (id uuid primary key default gen_random_uuid(),
    order_id uuid not null references "The Shop".orders on delete cascade, n int);
create table notes (number int primary key, order_id uuid references "The Shop".orders);
insert into "The Shop".orders (tenant, total)
    select case i % 3 when 0 then 'a' else 'b' end, i from generate_series(1, 3000) i;
insert into "The Shop".items (order_id, n) select id, total from "The Shop".orders;
insert into notes select total, id from "The Shop".orders where total <= 10;
create index on "The Shop".orders (tenant);
create index on "The Shop".items (order_id);
alter table "The Shop".orders enable row level security;
alter table "The Shop".orders force row level security;
alter table "The Shop".items enable row level security;
alter table "The Shop".items force row level security;
create policy own on "The Shop".orders using (tenant = current_setting('shop.tenant', true));
create policy live on "The Shop".orders as restrictive for select using (total >= 0);
create policy of_orders on "The Shop".items using (exists (select from "The Shop".orders o
    where o.id = order_id and o.tenant = current_setting('shop.tenant', true)));
"""

TABLES: tuple[LiteralString, ...] = ('"The Shop".orders', '"The Shop".items', "notes")


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


def rows_of(admin: Connection) -> list[tuple[Any, ...]]:
    """All rows without their keys, each with the parent it hangs on."""
    return [
        *admin.execute('select tenant, total, created_at from "The Shop".orders order by total'),
        *admin.execute(
            'select i.n, o.total, o.tenant from "The Shop".items i'
            ' left join "The Shop".orders o on o.id = i.order_id order by 1, 2'
        ),
        *admin.execute(
            'select number, total from notes left join "The Shop".orders o on o.id = order_id'
            " order by 1"
        ),
    ]


def versions(admin: Connection) -> set[int]:
    found: set[int] = set()
    for table in TABLES[:2]:
        query = sql.SQL("select id from {}").format(sql.SQL(table))
        found |= {key.version for (key,) in admin.execute(query)}
    return found


def assert_restricted(owner: Connection) -> None:
    """The application sees its own rows, by the index of its own policy, and adds no others'."""
    count = "select count(*) filter (where tenant = 'a'), count(*) from \"The Shop\".orders"
    mine, seen = owner.execute(count).fetchone() or (0, 0)
    assert mine == seen > 0
    items, others = owner.execute(
        'select count(*), count(*) filter (where o.id is null) from "The Shop".items i'
        ' left join "The Shop".orders o on o.id = i.order_id'
    ).fetchone() or (0, 0)
    assert (items > 0, others) == (True, 0)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        owner.execute("insert into \"The Shop\".orders (tenant, total) values ('b', 1)")


@dataclass(slots=True)
class Application:
    """An observer that writes and looks as the application at the begin of every stage."""

    owner: Connection
    stages: list[str] = field(default_factory=list)
    at: dict[str, Callable[[], object]] = field(default_factory=dict)

    def notify(self, event: object) -> None:
        if isinstance(event, StepStarted):
            self.stages.append(event.step)
            if event.step in self.at:
                self.at[event.step]()
            self.write()

    def write(self) -> None:
        number = 10_000 * len(self.stages)
        self.owner.execute("""delete from "The Shop".orders where id in
            (select id from "The Shop".orders order by total limit 3)""")
        self.owner.execute("""update "The Shop".orders set created_at = created_at - interval '1 h'
            where id in (select id from "The Shop".orders order by total desc limit 3)""")
        for (key,) in self.owner.execute(
            """insert into "The Shop".orders (tenant, total)
               select 'a', %s + i from generate_series(1, 5) i returning id""",
            [number],
        ).fetchall():
            self.owner.execute('insert into "The Shop".items (order_id, n) values (%s, 1)', [key])
        assert_restricted(self.owner)


def test_life_cycle(database: TestDatabase, owner: Connection, admin: Connection) -> None:
    owner.execute("delete from notes")  # its references would stop the deletes of the application
    before = schema_dump(database)
    application = Application(owner)
    plan = make_plan(database.dsn, PlanOptions())
    assert plan.refusals == ()
    assert [domain.counts and domain.counts.v4 for domain in plan.domains] == [3000, 3000]

    migrate(database.dsn, observer=application)
    assert {"copy", "verify", "cutover", "validate"} <= set(application.stages)
    assert versions(admin) == {7}
    application.write()
    expected = rows_of(admin)
    assert sum(row[0] == "b" for row in expected) == 2000
    rollback(database.dsn, observer=application)
    assert versions(admin) == {4, 7}  # born after the cutover
    application.write()
    expected = rows_of(admin)
    abort(database.dsn)
    assert rows_of(admin) == expected
    assert_same(schema_dump(database), before)

    plan = make_plan(database.dsn, PlanOptions())
    migrate(database.dsn, observer=application)
    finish(database.dsn, observer=application)
    assert versions(admin) == {7}
    assert_restricted(owner)
    assert_same(finished_dump(database), with_new_defaults(before, plan))
    keys = "select conname, convalidated from pg_constraint where contype = 'f' order by 1"
    assert admin.execute(keys).fetchall() == [
        ("items_order_id_fkey", True),
        ("notes_order_id_fkey", True),
        ("orders_region_fkey", True),
    ]


def test_a_row_that_was_not_copied_is_found(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    """Should the way past the policies fail in the copy without an error: the comparison goes past
    them in its own way."""

    def filtered() -> None:
        owner.execute("""alter function uuidmig.unforced(text, text) rename to right_one;
            create function uuidmig.unforced(statement text, kind text)
            returns text language plpgsql set row_security = on as $$ declare n text;
            begin execute statement; get diagnostics n = row_count; return n; end $$""")

    def right() -> None:
        owner.execute("""drop function uuidmig.unforced(text, text);
            alter function uuidmig.right_one(text, text) rename to unforced""")

    application = Application(owner, at={"copy": filtered, "build": right})
    owner.execute("delete from notes")
    with pytest.raises(VerificationFailed, match=r"orders: 30\d\d rows, new table \d\d\n"):
        migrate(database.dsn, observer=application)
    abort(database.dsn)
    assert versions(admin) == {4}


def test_a_filtered_copy_is_an_error(database: TestDatabase, owner: Connection) -> None:
    """row_security is off in the copy, whatever the session says."""

    def plain() -> None:
        owner.execute("""create or replace function uuidmig.unforced(statement text, kind text)
            returns text language plpgsql as $$ begin execute statement; return '0'; end $$""")

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security policy"):
        migrate(database.dsn, observer=Looking({"copy": plain}))


@dataclass(frozen=True, slots=True)
class Looking:
    """An observer that does something at the begin of a stage."""

    at: dict[str, Callable[[], object]]

    def notify(self, event: object) -> None:
        if isinstance(event, StepStarted) and event.step in self.at:
            self.at[event.step]()


def test_foreign_keys_are_validated_over_hidden_rows(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    """In a session of the owner it is what its policies show that the server validates."""

    def lose_a_parent() -> None:
        admin.execute("set session_replication_role = replica")
        admin.execute("delete from \"The Shop\".orders where tenant = 'b' and total = 100")

    with pytest.raises(UuidmigError, match='violates foreign key constraint "items_order'):
        migrate(database.dsn, observer=Looking({"validate": lose_a_parent}))
    admin.execute('delete from "The Shop".items where n = 100')
    migrate(database.dsn)
    finish(database.dsn)


def test_old_keys_are_translated(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    old = owner.execute('select id, total from "The Shop".orders limit 1').fetchone()
    assert old is not None
    migrate(database.dsn)
    owner.execute('insert into "The Shop".items (order_id, n) values (%s, -7)', [old[0]])
    query = """select o.total, o.id, k.old from "The Shop".items i
        join "The Shop".orders o on o.id = i.order_id
        join uuidmig.id_map k on k.new = o.id where n = -7"""
    (found,) = admin.execute(query).fetchall()
    assert (found[0], found[1].version, found[2]) == (old[1], 7, old[0])


def test_all_by_hand(database: TestDatabase, owner: Connection, admin: Connection) -> None:
    """The statements of a plan, as psql runs them: nobody turned row_security off."""
    owner.execute("delete from notes")
    application = Application(owner)
    plan = make_plan(database.dsn, PlanOptions())
    with database.connect(autocommit=True) as psql:
        expected: list[tuple[Any, ...]] = []
        for step in plan_steps(plan):
            application.notify(StepStarted(step.id, step.title))
            with psql.transaction() if step.transactional else nullcontext():
                for statement in step.apply:
                    psql.execute(statement.text.encode())
            before, expected = expected, rows_of(admin)
            assert before != expected or step.id == "prepare-schemas"
    assert versions(admin) == {7}
    assert sum(row[0] == "b" for row in expected) == 2000
    assert_restricted(owner)


def test_keys_of_all_rows_are_counted(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    admin.execute("""insert into "The Shop".orders (id, tenant) values
        ('00000000-0000-1000-8000-000000000001', 'b')""")
    with pytest.raises(PreflightRefused, match="1 of 3001 keys are neither"):
        migrate(database.dsn)


def test_the_canary_copies_hidden_rows(database: TestDatabase, owner: Connection) -> None:
    samples = run_canary(database.dsn, make_plan(database.dsn, PlanOptions()))
    assert {str(sample.table): sample.rows for sample in samples} == {
        "The Shop.orders": 3000,
        "The Shop.items": 3000,
        "public.notes": 10,
    }


def test_hidden_rows_are_sampled_for_soft_references(
    database: TestDatabase, owner: Connection, admin: Connection
) -> None:
    admin.execute(
        sql.SQL("""create table log (id bigint primary key, tenant text, what uuid);
        insert into log select total, tenant, id from "The Shop".orders;
        alter table log owner to {}; alter table log enable row level security;
        alter table log force row level security""").format(sql.Identifier(OWNER))
    )
    codes = {
        hazard.object: hazard.code for hazard in make_plan(database.dsn, PlanOptions()).hazards
    }
    assert codes["public.log.what"] == "undeclared-soft-reference"


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


@pytest.mark.parametrize("name", ["partitions_combined", "soft_references", "names", "timestamps"])
def test_every_statement_goes_past_it(database: TestDatabase, owner: Connection, name: str) -> None:
    """Policies that show every row: a query that does not go past them is an error all the same."""
    scenario = SCENARIOS[name]
    owner.execute('drop schema "The Shop" cascade; drop table notes')
    owner.execute(scenario.setup)
    owner.execute("""do $$ declare forced regclass; begin
        for forced in select c.oid from pg_class c where c.relkind in ('r', 'p')
            and c.relowner = current_user::regrole and c.relpersistence = 'p' loop
            execute format('alter table %1$s enable row level security;'
                'alter table %1$s force row level security;'
                'create policy all_rows on %1$s using (true)', forced);
        end loop;
        for forced in select c.oid from pg_class c where c.relkind = 'm' loop
            execute format('refresh materialized view %s with no data', forced);
        end loop; end $$""")
    before = schema_dump(database)
    plan = make_plan(database.dsn, scenario.options)
    assert unforced.is_needed(plan)
    migrate(database.dsn, scenario.options)
    owner.execute(scenario.after_cutover)
    rollback(database.dsn)
    abort(database.dsn)
    assert_same(schema_dump(database), before)
    plan = make_plan(database.dsn, scenario.options)
    migrate(database.dsn, scenario.options)
    finish(database.dsn)
    assert_same(finished_dump(database), with_new_defaults(before, plan))


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
