"""FORCE ROW LEVEL SECURITY, migrated by the owner whom it restricts: no superuser, no BYPASSRLS.

The application is the owner too, as it is where people force row security. At every stage it must
see what its policies show it, and the migration everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.integration.forced_tables import (
    SCHEMA,
    Application,
    assert_restricted,
    rows_of,
    versions,
)
from tests.scenarios.read import SCENARIOS
from tests.schema_dump import assert_same, finished_dump, schema_dump, with_new_defaults
from tests.servers import OWNER, TestDatabase
from uuidmig import abort, finish, migrate, rollback
from uuidmig.engine.canary import run_canary
from uuidmig.engine.planning import make_plan
from uuidmig.engine.progress import StepStarted
from uuidmig.errors import PreflightRefused, ReferenceDangles, VerificationFailed
from uuidmig.planner.model import PlanOptions
from uuidmig.steps import unforced
from uuidmig.steps.all_steps import plan_steps

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

    with pytest.raises(ReferenceDangles, match=r"items_order_id_fkey of The Shop\.items"):
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
