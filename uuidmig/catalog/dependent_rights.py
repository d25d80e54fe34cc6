"""Rights that binding views, rules and routines to other tables needs, and that are not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.catalog.dependents_model import Dependents
from uuidmig.catalog.rows import fetch


@dataclass(frozen=True, slots=True)
class MissingRole:
    """`role` lacks `privilege` ("OWNER": it is no member of the owner) on `object`."""

    role: str
    privilege: str
    object: str


def missing_dependent_rights(
    connection: psycopg.Connection[Any], dependents: Dependents, version: int
) -> tuple[MissingRole, ...]:
    """Return what the current role, or an owner, lacks. `version` is server_version_num."""
    objects = [
        *((f"view {v.relation}", v.owner, v.relation.schema, False) for v in dependents.views),
        *((v.name, v.owner, v.relation.schema, True) for v in dependents.materialized_views),
        *((r.name, r.owner, r.schema, bool(r.through)) for r in dependents.routines),
        *((f"rule {r.name} on {r.relation}", r.owner, None, False) for r in dependents.rules),
    ]
    rows = fetch(
        connection,
        "dependent_rights",
        names=[name for name, _, _, _ in objects],
        owners=[owner for _, owner, _, _ in objects],
        schemas=[schema for _, _, schema, _ in objects],
        made=[made for _, _, _, made in objects],
        give_away="SET" if version >= 160000 else "MEMBER",
    )
    return tuple(MissingRole(**row) for row in rows)
