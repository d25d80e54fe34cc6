"""As ordinary roles: the owner of all, and a member of several owners."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.acceptance.shop import Shop
from tests.schema_dump import finished_dump, schema_dump, with_new_defaults
from uuidmig import PlanOptions, abort, finish, make_plan, migrate, rollback

_ROLES = ("sales", "stock", "runner")


def test_the_owner_is_no_superuser(shop: Shop) -> None:
    flags = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert shop.one(flags) is False


@pytest.fixture
def runner(shop: Shop) -> Iterator[str]:
    """A role that owns nothing itself, but is a member of both owners of the shop."""
    names = {role: f"{shop.database.name}_{role}" for role in _ROLES}
    roles = {role: sql.Identifier(name) for role, name in names.items()}
    with shop.database.connect_admin(autocommit=True) as admin:
        for role in roles.values():
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        admin.execute(sql.SQL("GRANT {sales}, {stock} TO {runner}").format(**roles))
        database = sql.Identifier(shop.database.name)
        admin.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {runner}").format(database, **roles))
        for table in ("customers", "profiles", "orders", "payments"):
            change_owner(shop, table, roles["sales"])
        for table in ("order_items", "tags", "order_tags", "audit_log"):
            change_owner(shop, table, roles["stock"])
        admin.execute(
            sql.SQL("GRANT USAGE, CREATE ON SCHEMA shop TO {sales}, {stock}").format(**roles)
        )
        # Foreign keys between the two are checked as the owner of the table that is read.
        admin.execute(
            sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA shop TO {sales}, {stock}").format(**roles)
        )
        admin.execute(
            sql.SQL("GRANT SELECT, UPDATE (note) ON shop.orders TO PUBLIC").format(**roles)
        )
        try:
            yield make_conninfo(shop.database.admin_dsn, user=names["runner"])
        finally:
            for role in roles.values():
                admin.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
            for role in roles.values():
                admin.execute(sql.SQL("DROP ROLE {}").format(role))


def change_owner(shop: Shop, table: str, role: sql.Identifier) -> None:
    with shop.database.connect_admin(autocommit=True) as admin:
        name = sql.Identifier("shop", table)
        admin.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(name, role))


def test_a_member_of_two_owners_migrates(shop: Shop, runner: str) -> None:
    with shop.database.connect_admin(autocommit=True) as connection:
        seen = Shop(shop.database, connection)
        dump, plan = schema_dump(shop.database), make_plan(runner, PlanOptions())
        picture, keys = seen.picture(), seen.keys()
        assert migrate(runner).state == "validated"
        assert seen.picture() == picture
        seen.assert_mapped(keys)
        assert rollback(runner).state == "rolled_back"
        assert (seen.picture(), seen.keys()) == (picture, keys)
        abort(runner)
        assert schema_dump(shop.database) == dump
        assert migrate(runner).state == "validated"
        finish(runner)
        assert finished_dump(shop.database) == with_new_defaults(dump, plan)
        assert seen.picture() == picture


def test_an_application_of_less_rights_works_on(shop: Shop, runner: str) -> None:
    """Triggers of ours run with the rights of the tool, grants are those of before."""
    with shop.database.connect_admin(autocommit=True) as connection:
        seen = Shop(shop.database, connection)
        place = ("customers", "customer-1@shop.example")
        remembered = seen.keys()[place]
        migrate(runner)
        sales = make_conninfo(shop.database.admin_dsn, user=f"{shop.database.name}_sales")
        with psycopg.connect(sales) as application:
            written = application.execute(
                "INSERT INTO shop.orders (reference, customer_id) VALUES ('X-1', %s)"
                " RETURNING customer_id",
                [remembered],
            ).fetchone()
        assert written == (seen.keys()[place],) != (remembered,)
        rollback(runner)
        kept = "SELECT customer_id FROM shop.orders WHERE reference = 'X-1'"
        assert seen.one(kept) == remembered == seen.keys()[place]
