"""Views, rules and routines that hang on tables: used by others, changed meanwhile, in the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from tests.servers import TestDatabase
from tests.steps_driver import Connection, Migration, make_plan
from uuidmig.engine.planning import with_preflight
from uuidmig.steps import filling, foreign_keys
from uuidmig.steps.revisions import cutover_steps

SCHEMA: LiteralString = """
    create table t (id uuid primary key default gen_random_uuid(), a int, note text);
    create table o (n int primary key, x int);
    insert into t (a, note) select i, 'n' || i from generate_series(1, 50) i;
    create view v as select t.id, t.a, o.x from t left join o on o.n = t.a;
    create view vv as select id from v;
    create materialized view m as select id, a from t;
    create index m_a on m (a);
    create function f(t) returns int language sql as 'select $1.a';
    create view vf as select f(t) as a, id from t;
    create function counted() returns bigint begin atomic select count(*) from t; end;
    create rule r as on insert to o do also update t set note = 'ruled' where a = new.n;"""


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    with database.connect(autocommit=True) as owner:
        owner.execute(SCHEMA)
        yield owner


@pytest.fixture
def reader(database: TestDatabase) -> Iterator[sql.Identifier]:
    """A role that owns nothing."""
    role = sql.Identifier(f"{database.name}_reader")
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {}").format(role))
        yield role
        admin.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def value(connection: Connection, query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def verified(connection: Connection) -> Migration:
    migration = Migration.of(connection)
    migration.prepare()
    migration.fill()
    return migration


def use(database: TestDatabase, role: sql.Identifier) -> tuple[object, ...]:
    """What a reader without a right on the tables sees through views and functions."""
    with database.connect_admin() as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(role))
        for forbidden in ("t", "vf"):
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(forbidden)))
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT a FROM m")
        connection.execute("UPDATE writable SET note = 'by reader' WHERE a = 7")
        return (
            set(connection.execute("SELECT id FROM v").fetchall()),
            set(connection.execute("SELECT id FROM m").fetchall()),
            set(connection.execute("SELECT id FROM vv").fetchall()),
            value(connection, "SELECT called(7)"),
        )


def test_readers_keep_their_rights(
    database: TestDatabase, connection: Connection, reader: sql.Identifier
) -> None:
    connection.execute("create view writable as select a, note from t")
    connection.execute(
        "create function called(int) returns int security definer language sql"
        " set search_path = public as 'select f(t) from t where a = $1'"
    )
    connection.execute("revoke execute on function f from public")
    connection.execute(
        sql.SQL(
            "GRANT SELECT ON v, vv TO {0}; GRANT SELECT (id) ON m TO {0};"
            " GRANT SELECT, UPDATE ON writable TO {0}"
        ).format(reader)
    )
    old_keys = {row for row in connection.execute("SELECT id FROM t")}
    assert use(database, reader) == (old_keys, old_keys, old_keys, 7)

    migration = verified(connection)
    migration.cutover()
    new_keys = {row for row in connection.execute("SELECT id FROM t")}
    assert not old_keys & new_keys
    assert use(database, reader) == (new_keys, new_keys, new_keys, 7)
    connection.execute("insert into o values (8)")
    assert value(connection, "SELECT note FROM t WHERE a = 8") == "ruled"

    migration.rollback()
    assert use(database, reader) == (old_keys, old_keys, old_keys, 7)
    assert value(connection, "SELECT note FROM t WHERE a = 8") == "ruled"
    connection.execute("insert into o values (9)")
    assert value(connection, "SELECT note FROM t WHERE a = 9") == "ruled"
    migration.abort()

    migration = verified(connection)
    migration.cutover()
    migration.validate()
    migration.finish()
    new_keys = {row for row in connection.execute("SELECT id FROM t")}
    assert use(database, reader) == (new_keys, new_keys, new_keys, 7)
    assert (
        value(connection, "SELECT counted()"),
        value(connection, "SELECT count(*) FROM vf"),
    ) == (
        50,
        50,
    )


CHANGES: dict[str, LiteralString] = {
    "view replaced": "create or replace view v as select t.id, t.a, 1 as x from t",
    "view renamed": "alter view v rename to w",
    "option of a view": "alter view v set (security_barrier)",
    "view dropped": "drop view vf",
    "view created": "create view w as select a from t",
    "materialized view created": "create materialized view w as select a from t",
    "comment on a materialized view": "comment on materialized view m is 'x'",
    "comment on its column": "comment on column m.a is 'x'",
    "right on a materialized view": "grant select on m to public",
    "index on a materialized view": "create index on m (id)",
    "view on a materialized view": "create view w as select a from m",
    "function replaced": "create or replace function f(t) returns int language sql as 'select 1'",
    "right on a function": "revoke execute on function f from public",
    "function created": "create function g(t) returns int language sql as 'select 1'",
    "parsed body replaced": (
        "create or replace function counted() returns bigint begin atomic select 1 from t; end"
    ),
    "rule dropped": "drop rule r on o",
    "rule disabled": "alter table o disable rule r",
    "rule created": "create rule s as on delete to t do also nothing",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_after_prepare_stops_the_cutover(connection: Connection, change: str) -> None:
    migration = verified(connection)
    connection.execute(CHANGES[change])
    with pytest.raises(errors.ObjectInUse, match="changed since prepare"):
        migration.cutover()
    migration.abort()


def test_what_does_not_matter_does_not_stop_it(connection: Connection) -> None:
    migration = verified(connection)
    connection.execute(
        "refresh materialized view m; create view w as select id from vv;"
        "grant select on v to public; comment on view v is 'x'; alter view v alter a set default 1"
    )
    migration.cutover()
    assert value(connection, "SELECT obj_description('v'::regclass)") == "x"
    assert value(connection, "SELECT count(*) FROM w JOIN t USING (id)") == 50


@pytest.mark.parametrize(
    "change", ["view replaced", "view dropped", "view created", "function created", "rule created"]
)
def test_a_change_between_plan_and_prepare_stops_prepare(
    connection: Connection, change: str
) -> None:
    migration = Migration.of(connection)
    connection.execute(CHANGES[change])
    with pytest.raises(errors.ObjectInUse, match=r"since the plan was made|does not know of"):
        migration.prepare()


def test_what_is_not_filled_stays_so(connection: Connection) -> None:
    migration = verified(connection)
    connection.execute("refresh materialized view m with no data")
    migration.cutover()
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="has not been populated"):
        connection.execute("select from m")
    connection.execute("refresh materialized view m")
    migration.rollback()
    assert value(connection, "SELECT count(*) FROM m JOIN t USING (id)") == 50


def test_a_slow_query_stops_the_cutover(connection: Connection) -> None:
    connection.execute(
        "create function slow(int) returns int language sql volatile"
        " as 'select 1 from pg_catalog.pg_sleep(0.1)';"
        "create materialized view late as select id, slow(a) as s from t with no data"
    )
    migration = Migration.of(connection)
    connection.execute("refresh materialized view late")
    migration.prepare()
    migration.fill()
    connection.execute("set statement_timeout = '20s'")
    with pytest.raises(psycopg.Error, match="longer than 1000 ms") as raised:
        migration.cutover()
    assert raised.value.sqlstate == "UM002"
    assert value(connection, "SHOW statement_timeout") == "20s"
    assert value(connection, "SELECT count(*) FROM late JOIN t USING (id)") == 50
    connection.execute("refresh materialized view late with no data")
    migration.cutover()
    assert value(connection, "SHOW statement_timeout") == "20s"


def test_a_large_one_stops_the_cutover_before_any_lock(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = verified(connection)
    monkeypatch.setattr(filling, "LARGE_BYTES", 0)
    with pytest.raises(psycopg.Error, match="materialized view m is too large") as raised:
        migration.cutover()
    assert raised.value.sqlstate == "UM002"


def test_only_the_view_is_locked_not_what_it_reads_besides(connection: Connection) -> None:
    connection.execute("drop rule r on o")
    migration = Migration.of(connection)
    migration.prepare()
    with connection.transaction():
        migration.run([foreign_keys.lock_for_swap(migration.plan)])
        locked = connection.execute(
            "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid()"
            " AND mode = 'AccessExclusiveLock' AND relation IS NOT NULL"
        ).fetchall()
    assert {name for (name,) in locked} == {"t", "v", "vf", "m"}


@pytest.mark.parametrize("relation", ["v", "m"])
def test_a_reader_of_a_view_is_waited_for_within_the_budget(
    database: TestDatabase, connection: Connection, relation: str
) -> None:
    migration = verified(connection)
    with database.connect() as other:
        other.execute(
            sql.SQL("DECLARE c CURSOR FOR SELECT FROM {}").format(sql.Identifier(relation))
        )
        with pytest.raises(errors.LockNotAvailable):
            migration.cutover()
    migration.cutover()


def test_the_search_path_of_the_session_is_kept(connection: Connection) -> None:
    connection.execute(
        "set search_path = public, pg_catalog; create function public.upper(text)"
        " returns text language sql as 'select ''mine''';"
        "create view shouted as select pg_catalog.upper(note) as note from t where a = 1"
    )
    migration = verified(connection)
    with connection.transaction():
        migration.cutover()
        assert value(connection, "SHOW search_path") == "public, pg_catalog"
        assert value(connection, "SHOW check_function_bodies") == "on"
    assert value(connection, "SELECT note FROM shouted") == "N1"


def test_constants_mean_the_same_in_any_session(connection: Connection) -> None:
    connection.execute(
        "create view since as select id from t where timestamptz '2024-05-06 07:08:09+02' < now()"
        " and interval '-1 day 2 hours' < interval '1 hour' and 0.1::float8 > 0"
    )
    definition = "SELECT pg_get_viewdef('since'::regclass)"
    before, migration = value(connection, definition), Migration.of(connection)
    foreign = (
        "set DateStyle = 'SQL, DMY'; set IntervalStyle = sql_standard; set TimeZone = 'Asia/Tokyo';"
        "set quote_all_identifiers = on; set extra_float_digits = 3"
    )
    connection.execute(foreign)
    migration.prepare()
    migration.fill()
    connection.execute("reset all")
    migration.cutover()
    assert value(connection, definition) == before
    connection.execute(foreign)
    migration.rollback()
    connection.execute("reset all")
    assert value(connection, definition) == before


def test_objects_of_others_are_refused(
    database: TestDatabase, connection: Connection, reader: sql.Identifier
) -> None:
    assert [h for h in with_preflight(connection, make_plan(connection)).refusals] == []
    with database.connect_admin(autocommit=True) as admin:
        admin.execute("create schema closed; grant usage on schema closed to public")
        for change in (
            sql.SQL("ALTER VIEW v OWNER TO {}"),
            sql.SQL("ALTER MATERIALIZED VIEW m OWNER TO {}"),
            sql.SQL("ALTER FUNCTION f OWNER TO {}"),
            sql.SQL("ALTER TABLE o OWNER TO {}"),
            sql.SQL("CREATE VIEW closed.w AS SELECT id FROM t"),
        ):
            admin.execute(change.format(reader))
        plan = with_preflight(connection, make_plan(connection))
        refused = {h.object for h in plan.refusals if h.code == "missing-right"}
        assert refused == {
            "view public.v",
            "materialized view public.m",
            "function public.f(public.t)",
            "rule r on public.o",
            "view closed.w",
            "schema closed",
            "schema public",  # in which the reader may not create what is given to it
        }
        admin.execute("drop schema closed cascade")


def test_as_a_member_of_the_owners(
    database: TestDatabase, connection: Connection, reader: sql.Identifier
) -> None:
    with database.connect_admin(autocommit=True) as admin:
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(reader))
        owner = sql.Identifier(connection.info.user)
        admin.execute(sql.SQL("GRANT {} TO {}").format(reader, owner))
        admin.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(reader))
        admin.execute(sql.SQL("GRANT ALL ON t, o TO {}").format(reader))
        for change in (
            sql.SQL("ALTER VIEW v OWNER TO {}"),
            sql.SQL("ALTER MATERIALIZED VIEW m OWNER TO {}"),
            sql.SQL("ALTER FUNCTION f OWNER TO {}"),
            sql.SQL("ALTER FUNCTION counted OWNER TO {}"),
        ):
            admin.execute(change.format(reader))
    assert with_preflight(connection, make_plan(connection)).refusals == ()
    owners = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'm'::regclass"
    before = connection.execute(owners).fetchall()
    migration = verified(connection)
    migration.cutover()
    assert connection.execute(owners).fetchall() == before
    migration.rollback()
    assert connection.execute(owners).fetchall() == before
    assert value(connection, "SELECT count(*) FROM m JOIN t USING (id)") == 50


WRITERS: LiteralString = """
    create procedure write_it(n int)
        begin atomic insert into t (a) values (n); end;
    create function change_it() returns bigint
        begin atomic update t set note = 'late' where a = 1; select count(*) from t; end;"""


@pytest.mark.parametrize("call", ["call write_it(100)", "select change_it()"])
@pytest.mark.parametrize("way", ["forth", "back"])
def test_a_write_that_waited_is_not_lost(
    database: TestDatabase, connection: Connection, call: LiteralString, way: str
) -> None:
    """A parsed body goes on with the very table it waited for."""
    connection.execute(WRITERS)
    migration = verified(connection)
    if way == "back":
        migration.cutover()
        migration.call("drain_back")
    steps = cutover_steps(migration.plan)
    with database.connect(autocommit=True) as other, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            for step in reversed(steps) if way == "back" else steps:
                migration.run(step.undo if way == "back" else step.apply)
            waiting = pool.submit(other.execute, call)
            database.until_it_waits(other)
        with pytest.raises(errors.SerializationFailure, match="was replaced while"):
            waiting.result(timeout=30)
        other.execute(call)
    assert value(connection, "SELECT count(*) FROM t WHERE a = 100 OR note = 'late'") == 1


def test_only_what_hangs_on_the_closure_is_planned(connection: Connection) -> None:
    connection.execute(
        "create view other as select x from o; create function g(o) returns int"
        " language sql as 'select 1'; create view og as select g(o) from o"
    )
    found = make_plan(connection).dependents
    assert [str(view.relation) for view in found.views] == ["public.v", "public.vf"]
    assert [view.name for view in found.materialized_views] == ["materialized view public.m"]
    assert {(r.identity, bool(r.through)) for r in found.routines} == {
        ("public.f(public.t)", True),
        ("public.counted()", False),
    }
    assert [rule.name for rule in found.rules] == ["r"]
