"""Small hand-made catalogs for tests that need no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from uuidmig.catalog.model import (
    Catalog,
    Column,
    ForeignKey,
    Index,
    KeyCounts,
    RelationName,
    Server,
    Table,
)
from uuidmig.planner import build_plan, candidate_roots
from uuidmig.planner.model import ColumnName, Plan, PlanOptions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
V4_ONLY = KeyCounts(v4=10, v7=0, other=0, exact=True)

SQL_NAMES = {
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "int4": "integer",
}


def server(version: int = 180006, **changes: object) -> Server:
    facts = {"database": "shop", "user": "owner", "superuser": False, "in_recovery": False}
    return Server(version=version, **{**facts, **changes})  # type: ignore[arg-type]


def column(name: str, base_type: str = "uuid", **changes: object) -> Column:
    facts: dict[str, object] = {
        "number": 0,  # `table` numbers its columns
        "type": SQL_NAMES.get(base_type, base_type),
        "type_kind": "b",
        "not_null": False,
    }
    return Column(name=name, base_type=base_type, **{**facts, **changes})  # type: ignore[arg-type]


def key(name: str = "id", **changes: object) -> Column:
    return column(name, "uuid", **{"not_null": True, "default": "gen_random_uuid()", **changes})


def timestamp(name: str, base_type: str = "timestamptz", **changes: object) -> Column:
    return column(name, base_type, **changes)


def index(name: str, *columns: str | None, **changes: object) -> Index:
    on = ", ".join(map(str, columns))
    facts: dict[str, object] = {
        "definition": f"CREATE INDEX {name} ON public.t USING btree ({on})",
        "method": "btree",
        "unique": False,
        "primary": False,
        "valid": True,
        "immediate": True,
        "constraint": None,
        "constraint_type": None,
    }
    return Index(name=name, columns=columns, **{**facts, **changes})  # type: ignore[arg-type]


def primary(*columns: str, **changes: object) -> Index:
    facts = {"unique": True, "primary": True, "constraint": "pkey", "constraint_type": "p"}
    return index("pkey", *columns, **{**facts, **changes})


def foreign_key(
    parent: str,
    columns: str | tuple[str, ...],
    parent_columns: str | tuple[str, ...] = "id",
    **changes: object,
) -> ForeignKey:
    """A foreign key whose child `table` fills in."""
    ours = (columns,) if isinstance(columns, str) else columns
    theirs = (parent_columns,) if isinstance(parent_columns, str) else parent_columns
    facts: dict[str, object] = {
        "name": f"{'_'.join(ours)}_fkey",
        "child": relation("unknown"),
        "definition": f"FOREIGN KEY ({', '.join(ours)}) REFERENCES {parent}",
        "validated": True,
        "enforced": True,
        "match": "s",
        "on_update": "a",
        "on_delete": "a",
        "deferrable": False,
        "deferred": False,
    }
    return ForeignKey(
        columns=ours,
        parent=relation(parent),
        parent_columns=theirs,
        **{**facts, **changes},  # type: ignore[arg-type]
    )


def relation(text: str) -> RelationName:
    schema, _, name = text.rpartition(".")
    return RelationName(schema or "public", name)


def table(
    name: str,
    *columns: Column,
    keys: tuple[ForeignKey, ...] = (),
    indexes: tuple[Index, ...] | None = None,
    **changes: object,
) -> Table:
    """A table; its first column is the primary key unless `indexes` are given."""
    facts: dict[str, object] = {
        "oid": 16384,
        "owner": "owner",
        "kind": "r",
        "persistence": "p",
        "rows": 10.0,
        "heap_bytes": 8192,
    }
    return Table(
        name=relation(name),
        columns=tuple(_numbered(c, number) for number, c in enumerate(columns, start=1)),
        indexes=indexes if indexes is not None else (primary(columns[0].name),),
        foreign_keys=tuple(_of_child(k, relation(name)) for k in keys),
        **{**facts, **changes},  # type: ignore[arg-type]
    )


def _numbered(item: Column, number: int) -> Column:
    return replace(item, number=number)


def _of_child(item: ForeignKey, child: RelationName) -> ForeignKey:
    return replace(item, child=child)


def catalog(*tables: Table, of: Server | None = None) -> Catalog:
    return Catalog(of or server(), tables)


def name(text: str) -> ColumnName:
    """ "orders.id" or "sales.orders.id"."""
    table_name, _, column_name = text.rpartition(".")
    return ColumnName(relation(table_name), column_name)


def plan(
    *tables: Table,
    options: PlanOptions | None = None,
    counts: Mapping[ColumnName, KeyCounts] | None = None,
    of: Server | None = None,
    now: datetime = NOW,
) -> Plan:
    """Plan for a catalog of these tables; roots not in `counts` hold version 4 keys only."""
    source = catalog(*tables, of=of)
    chosen = options or PlanOptions()
    every = dict.fromkeys(candidate_roots(source, chosen), V4_ONLY)
    return build_plan(source, chosen, {**every, **(counts or {})}, tool_version="1.0", now=now)
