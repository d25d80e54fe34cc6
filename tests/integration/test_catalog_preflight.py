from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from tests.servers import OWNER, TestDatabase
from uuidmig.catalog.model import RelationName
from uuidmig.catalog.preflight import (
    InvalidIndex,
    MissingRight,
    Preflight,
    PreparedTransaction,
    read_preflight,
)

T = RelationName("public", 'The "T"')
OTHER = RelationName("public", "other")


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect(autocommit=True) as connection:
        connection.execute('create table "The ""T""" (a int); create table other (a int)')
        yield connection


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with database.connect_admin(autocommit=True) as connection:
        yield connection


def test_nothing_stands_against_it(owner: psycopg.Connection[Any]) -> None:
    found = read_preflight(owner, [T, OTHER])
    quiet = Preflight(
        in_recovery=False,
        free_disk_bytes=None,
        hidden_sessions=0,
        transactions=(),
        wraparound_vacuums=(),
        prepared_transactions=(),
        missing_rights=(),
        replication_slots=found.replication_slots,
        invalid_indexes=(),
    )
    assert found == quiet
    assert owner.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_long_transactions(database: TestDatabase, owner: psycopg.Connection[Any]) -> None:
    with database.connect(application_name="report") as other:
        other.execute("select 1")
        assert read_preflight(owner, [T]).transactions == ()
        (found,) = read_preflight(owner, [T], long_seconds=0).transactions
        assert (found.pid, found.user) == (other.info.backend_pid, OWNER)
        assert (found.application, found.state) == ("report", "idle in transaction")
        assert 0 < found.seconds < 60
        other.rollback()
        assert read_preflight(owner, [T], long_seconds=0).transactions == ()


def test_sessions_of_others_are_counted(
    owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    assert read_preflight(owner, [T]).hidden_sessions == 0
    with admin.transaction():
        admin.execute("select pg_current_xact_id()")
        found = read_preflight(owner, [T], long_seconds=0)
        assert (found.hidden_sessions, found.transactions) == (1, ())
        assert read_preflight(admin, [T]).hidden_sessions == 0


def test_prepared_transactions(owner: psycopg.Connection[Any], database: TestDatabase) -> None:
    if read_setting(owner, "max_prepared_transactions") == "0":
        pytest.skip("the server has no prepared transactions")
    gid = f"{database.name}'s"
    owner.execute("begin")
    owner.execute('insert into "The ""T""" values (1)')
    owner.execute("lock other in share mode; insert into other values (1)")
    owner.execute(sql.SQL("prepare transaction {}").format(sql.Literal(gid)))
    try:
        (found,) = read_preflight(owner, [T, OTHER]).prepared_transactions
        assert found == PreparedTransaction(gid, found.seconds, OWNER, (T, OTHER))
        assert 0 < found.seconds < 60
        (found,) = read_preflight(owner, [T]).prepared_transactions
        assert found.relations == (T,)
        assert read_preflight(owner, []).prepared_transactions == ()
    finally:
        owner.execute(sql.SQL("rollback prepared {}").format(sql.Literal(gid)))


def read_setting(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_missing_rights(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    name = sql.Identifier(database.name)
    admin.execute(sql.SQL("alter database {} owner to postgres").format(name))
    admin.execute(sql.SQL("revoke temporary on database {} from public").format(name))
    admin.execute("create schema hidden; create table hidden.t ()")
    admin.execute("alter schema public owner to postgres")
    admin.execute("alter table other owner to postgres")
    found = read_preflight(owner, [T, OTHER, RelationName("hidden", "t")]).missing_rights
    assert set(found) == {
        MissingRight("CREATE", f"database {database.name}"),
        MissingRight("TEMPORARY", f"database {database.name}"),
        MissingRight("CREATE", "schema public"),
        MissingRight("CREATE", "schema hidden"),
        MissingRight("USAGE", "schema hidden"),
        MissingRight("OWNER", "table public.other"),
        MissingRight("OWNER", "table hidden.t"),
    }
    assert len(found) == 7
    assert read_preflight(admin, [T, OTHER]).missing_rights == ()


def test_rights_that_the_owner_gave_up(owner: psycopg.Connection[Any]) -> None:
    owner.execute("revoke delete, trigger on other from current_user")
    assert read_preflight(owner, [T, OTHER]).missing_rights == (
        MissingRight("DELETE", "table public.other"),
        MissingRight("TRIGGER", "table public.other"),
    )


@pytest.fixture
def group(database: TestDatabase, admin: psycopg.Connection[Any]) -> Iterator[sql.Identifier]:
    """A role that owns tables; dropped with all it has."""
    name = sql.Identifier(f"{database.name}_group")
    admin.execute(sql.SQL("create role {}").format(name))
    yield name
    admin.execute(sql.SQL("drop owned by {0}; drop role {0}").format(name))


def test_a_member_of_the_owner_has_its_rights(
    owner: psycopg.Connection[Any], admin: psycopg.Connection[Any], group: sql.Identifier
) -> None:
    admin.execute(sql.SQL("alter table other owner to {}").format(group))
    missing = (MissingRight("OWNER", "table public.other"),)
    assert read_preflight(owner, [OTHER]).missing_rights == missing
    member = sql.Identifier(OWNER)
    admin.execute(sql.SQL("grant {} to {}").format(group, member))
    assert read_preflight(owner, [OTHER]).missing_rights == ()
    if owner.info.server_version >= 160000:
        admin.execute(sql.SQL("grant {} to {} with set false").format(group, member))
        assert read_preflight(owner, [OTHER]).missing_rights == missing


def test_replication_slots(
    database: TestDatabase, owner: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    admin.execute("select pg_create_physical_replication_slot(%s, true)", [database.name])
    try:
        before = slot(owner, database.name)
        owner.execute("insert into other select generate_series(1, 10000)")
        after = slot(owner, database.name)
    finally:
        admin.execute("select pg_drop_replication_slot(%s)", [database.name])
    assert (after.active, after.wal_status) == (False, "reserved")
    assert before.retained_bytes is not None
    assert after.retained_bytes is not None
    assert after.retained_bytes > before.retained_bytes + 500_000


def slot(connection: psycopg.Connection[Any], name: str) -> Any:
    slots = read_preflight(connection, []).replication_slots
    return next(item for item in slots if item.name == name)


def test_invalid_indexes(owner: psycopg.Connection[Any]) -> None:
    owner.execute('insert into "The ""T""" values (1), (1)')
    with pytest.raises(errors.UniqueViolation):
        owner.execute('create unique index concurrently "Bad" on "The ""T""" (a)')
    assert read_preflight(owner, [T]).invalid_indexes == (InvalidIndex(T, "Bad"),)
    assert read_preflight(owner, [OTHER]).invalid_indexes == ()


def test_a_vacuum_by_hand_is_none_to_prevent_wraparound(
    database: TestDatabase, owner: psycopg.Connection[Any]
) -> None:
    owner.execute("alter table other set (autovacuum_freeze_max_age = 100000)")
    owner.execute("set synchronous_commit = off")
    owner.execute("""
        do $$ begin
            for i in 1..100001 loop perform pg_current_xact_id(); commit; end loop;
        end $$""")
    with database.connect() as hand:
        hand.execute("lock other in share update exclusive mode")
        vacuums = read_preflight(owner, [OTHER]).wraparound_vacuums
        assert hand.info.backend_pid not in [vacuum.pid for vacuum in vacuums]


def test_free_disk_for_those_who_may_know(admin: psycopg.Connection[Any]) -> None:
    found = read_preflight(admin, []).free_disk_bytes
    if not admin.info.host.startswith("/") or not Path(data_directory(admin)).parent.exists():
        pytest.skip("the server is on another machine")
    assert found is not None
    assert found > 1024 * 1024


def data_directory(connection: psycopg.Connection[Any]) -> str:
    return read_setting(connection, "data_directory")
