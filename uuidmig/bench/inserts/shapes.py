"""What the table looks like that rows are inserted into, whatever the kind of its keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["key", "reference", "filler", "fresh", "now"]


@dataclass(frozen=True, slots=True)
class ShapeColumn:
    """A column. `role` says where its values come from:

    key        made by the kind of key, the table's own
    reference  the key of a row of a parent table, of the same kind (`fixed_type`: always bigint)
    filler     one of `distinct` values of `width` bytes, sent by the client
    fresh      a value of its own for each row, made by a default of the server
    now        the time of the insert, made by a default of the server

    `null_share` is the share of NULL among fillers.
    """

    name: str
    role: Role
    type: str = ""
    width: int = 0
    distinct: int = 1000
    null_share: float = 0.0
    fixed_type: bool = False


@dataclass(frozen=True, slots=True)
class ShapeIndex:
    """An index besides the primary key."""

    columns: tuple[str, ...]
    unique: bool = False
    method: str = "btree"


@dataclass(frozen=True, slots=True)
class Shape:
    """A table. `left_out` names what of a user's table it does not have, and why."""

    name: str
    columns: tuple[ShapeColumn, ...]
    primary_key: tuple[str, ...]
    indexes: tuple[ShapeIndex, ...] = ()
    left_out: tuple[str, ...] = ()

    def with_role(self, *roles: Role) -> tuple[ShapeColumn, ...]:
        return tuple(column for column in self.columns if column.role in roles)

    @property
    def key(self) -> ShapeColumn:
        return self.with_role("key")[0]


_ID = ShapeColumn("id", "key")
_PAYLOAD = ShapeColumn("payload", "filler", "text", width=100)
_TENANTS = 50

SHAPES = {
    shape.name: shape
    for shape in (
        Shape("plain", (_ID, _PAYLOAD), ("id",)),
        Shape(
            "composite",
            (
                ShapeColumn("tenant_id", "filler", "integer", width=4, distinct=_TENANTS),
                _ID,
                _PAYLOAD,
            ),
            ("tenant_id", "id"),
        ),
        Shape(
            "child",
            (_ID, ShapeColumn("parent_id", "reference"), _PAYLOAD),
            ("id",),
            (ShapeIndex(("parent_id",)),),
        ),
    )
}
