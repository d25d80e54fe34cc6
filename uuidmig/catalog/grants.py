"""Access control lists: one row a privilege becomes one Grant a pair of grantee and grantor."""

from __future__ import annotations

from collections.abc import Iterable

from uuidmig.catalog.model import Grant
from uuidmig.catalog.rows import Row

type Acls = dict[tuple[int, int], tuple[Grant, ...]]


def build_acls(rows: Iterable[Row]) -> Acls:
    """Return the ACL of each (relation oid, number) from the rows of `grants.sql`.

    The number is that of a column, 0 for the relation, -1 for its row type.

    Grants keep the order of the ACL, in which pg_dump writes them. An object that is missing has
    its default privileges; an empty tuple means that even the owner's were revoked.
    """
    objects: dict[tuple[int, int], dict[tuple[str, str], list[Row]]] = {}
    for row in rows:
        pairs = objects.setdefault((row["oid"], row["number"]), {})
        if row["grantor"] is not None:
            pairs.setdefault((row["grantee"], row["grantor"]), []).append(row)
    return {
        key: tuple(_grant(*pair, privileges) for pair, privileges in pairs.items())
        for key, pairs in objects.items()
    }


def _grant(grantee: str, grantor: str, rows: list[Row]) -> Grant:
    privileges = tuple(row["privilege"] for row in rows)
    grantable = tuple(row["privilege"] for row in rows if row["grantable"])
    return Grant(grantee, grantor, privileges, grantable)
