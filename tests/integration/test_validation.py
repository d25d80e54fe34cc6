"""Foreign keys that turn out to be violated when they are validated."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.acceptance.commands import run_into
from tests.acceptance.shop import Shop
from uuidmig import migrate, rollback
from uuidmig.errors import ReferenceDangles

DANGLING = uuid4()


def leave_dangling(shop: Shop) -> None:
    """Write a reference past its foreign key, as a restore with disabled triggers would."""
    with shop.database.connect_admin(autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(
            "UPDATE shop.order_items SET order_id = %s"
            " WHERE id = (SELECT id FROM shop.order_items LIMIT 1)",
            [DANGLING],
        )


def assert_told(caught: pytest.ExceptionInfo[ReferenceDangles]) -> None:
    told = str(caught.value)
    assert "shop.order_items" in told
    assert str(DANGLING) in told
    assert "abort" not in told


def mend(shop: Shop) -> None:
    shop.connection.execute("DELETE FROM shop.order_items WHERE order_id = %s", [DANGLING])


def test_a_row_that_references_none_is_named_and_the_run_goes_on(shop: Shop) -> None:
    run_into(shop.dsn, "cutover", "migrate", "--yes")
    leave_dangling(shop)
    with pytest.raises(ReferenceDangles) as caught:
        migrate(shop.dsn)
    assert_told(caught)
    assert shop.state() == "cutover"
    mend(shop)
    assert migrate(shop.dsn).state == "validated"


def test_after_a_rollback_too(shop: Shop) -> None:
    migrate(shop.dsn)
    run_into(shop.dsn, "rollback", "rollback", "--yes")
    leave_dangling(shop)
    with pytest.raises(ReferenceDangles) as caught:
        rollback(shop.dsn)
    assert_told(caught)
    mend(shop)
    assert rollback(shop.dsn).state == "rolled_back"
