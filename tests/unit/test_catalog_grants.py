from __future__ import annotations

from uuidmig.catalog.grants import build_acls
from uuidmig.catalog.model import Grant


def row(
    oid: int, grantee: str | None, privilege: str | None, grantable: bool | None = False
) -> dict[str, object]:
    return {
        "oid": oid,
        "number": 0,
        "grantee": grantee,
        "grantor": None if privilege is None else "owner",
        "privilege": privilege,
        "grantable": grantable,
    }


def test_privileges_are_grouped_in_the_order_of_the_acl() -> None:
    rows = [
        row(1, "zoe", "SELECT"),
        row(1, "zoe", "UPDATE", grantable=True),
        row(1, "", "SELECT"),
        row(2, "amy", "SELECT"),
    ]
    assert build_acls(rows) == {
        (1, 0): (
            Grant("zoe", "owner", ("SELECT", "UPDATE"), ("UPDATE",)),
            Grant("", "owner", ("SELECT",)),
        ),
        (2, 0): (Grant("amy", "owner", ("SELECT",)),),
    }


def test_an_empty_acl_is_not_a_missing_one() -> None:
    assert build_acls([row(1, None, None, grantable=None)]) == {(1, 0): ()}
