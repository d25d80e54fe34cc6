"""Read the objects that hold a table, or its row type, by oid: views, rules, routines.

What is found but cannot be carried comes back as `Unsupported`, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.catalog.dependents_model import (
    Dependents,
    MaterializedView,
    Routine,
    Rule,
    View,
    ViewColumn,
)
from uuidmig.catalog.grants import Acls, build_acls
from uuidmig.catalog.labels import Labels, build_labels
from uuidmig.catalog.model import Grant, Index, RelationName, SecurityLabel, Unsupported
from uuidmig.catalog.rows import Row, by_table, fetch

_FOREIGN_GRANTOR = "depends on the table, and somebody else than its owner granted privileges on it"
_INDEX = "reads the table and has an index that is invalid, identifies rows or has a tablespace"


@dataclass(frozen=True, slots=True)
class DependentObjects:
    """What was read, and for the generic walk: where it goes on from, and what it may pass over.

    `targets` are (table, class, object) of what is dropped and created again, row types included;
    `known` are (class, object) of everything that is in `found` or `unsupported`.
    """

    found: Dependents
    unsupported: Mapping[int, tuple[Unsupported, ...]]
    targets: tuple[tuple[int, int, int], ...]
    known: tuple[tuple[int, int], ...]


def read_dependents(
    connection: psycopg.Connection[Any], tables: Mapping[int, RelationName]
) -> DependentObjects:
    """Return everything that hangs on the tables, oid to name, in the snapshot of the caller."""
    targets = fetch(connection, "dependent_targets", tables=list(tables))
    edges = fetch(
        connection,
        "dependents",
        target_tables=[row["table_oid"] for row in targets],
        target_classes=[row["classid"] for row in targets],
        target_objects=[row["objid"] for row in targets],
        target_recreated=[row["recreated"] for row in targets],
    )
    reader = _Reader(connection, tables, edges)
    return DependentObjects(
        found=reader.read(),
        unsupported={oid: tuple(items) for oid, items in reader.unsupported.items()},
        targets=tuple(
            (row["table_oid"], row["classid"], row["objid"]) for row in targets if row["recreated"]
        ),
        known=tuple((row["classid"], row["objid"]) for row in edges),
    )


class _Reader:
    """Builds the objects kind by kind; what has a problem goes into `unsupported`."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        tables: Mapping[int, RelationName],
        edges: Iterable[Row],
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._edges = {row["object"]: row for row in edges}
        self._names: dict[int, str] = {}
        self.unsupported: defaultdict[int, list[Unsupported]] = defaultdict(list)

    def read(self) -> Dependents:
        relations = self._fetch("dependent_relations", "relations", "view")
        routines = self._fetch("dependent_routines", "routines", "routine")
        rules = self._fetch("dependent_rules", "rules", "rule")
        self._names |= {row["oid"]: _relation_name(row) for row in relations}
        self._names |= {row["oid"]: f"{row['kind']} {row['identity']}" for row in routines}
        return Dependents(
            *self._relations(relations),
            self._routines(routines),
            tuple(self._rule(row) for row in rules),
        )

    def _fetch(self, query: str, parameter: str, kind: str) -> list[Row]:
        oids = [oid for oid, edge in self._edges.items() if edge["kind"].endswith(kind)]
        return fetch(self._connection, query, **{parameter: oids})

    def _relations(self, rows: list[Row]) -> tuple[tuple[View, ...], tuple[MaterializedView, ...]]:
        oids = [row["oid"] for row in rows]
        acls = build_acls(fetch(self._connection, "grants", tables=oids))
        labels = self._labels(relations=oids)
        columns = self._columns(oids, acls, labels)
        indexes = by_table(fetch(self._connection, "indexes", tables=oids), Index)
        views = tuple(
            self._view(row, columns.get(row["oid"], ()))
            for row in rows
            if not row["materialized"] and self._accepted(row, "view", row["problem"])
        )
        materialized = (
            self._materialized(
                row, columns.get(row["oid"], ()), indexes.get(row["oid"], ()), acls, labels
            )
            for row in rows
            if row["materialized"]
        )
        return views, tuple(view for view in materialized if view is not None)

    def _labels(self, relations: Sequence[int] = (), routines: Sequence[int] = ()) -> Labels:
        found = fetch(
            self._connection,
            "security_labels",
            relations=list(relations),
            routines=list(routines),
        )
        return build_labels(found)

    def _columns(
        self, oids: list[int], acls: Acls, labels: Labels
    ) -> dict[int, tuple[ViewColumn, ...]]:
        rows = fetch(self._connection, "dependent_columns", relations=oids)
        for row in rows:
            row["acl"] = acls.get((row["table_oid"], row["number"]))
            row["labels"] = labels.get((row["table_oid"], row["number"]), ())
            row["collation"] = row["collation"] and RelationName(*row["collation"])
        return by_table(rows, ViewColumn)

    def _view(self, row: Row, columns: tuple[ViewColumn, ...]) -> View:
        return View(
            relation=RelationName(*row["relation"]),
            owner=row["owner"],
            definition=row["definition"],
            options=row["options"],
            columns=columns,
            tables=self._hangs_on(row["oid"], "tables"),
            through=self._hangs_on(row["oid"], "through"),
        )

    def _materialized(
        self,
        row: Row,
        columns: tuple[ViewColumn, ...],
        indexes: tuple[Index, ...],
        acls: Acls,
        labels: Labels,
    ) -> MaterializedView | None:
        acl = acls.get((row["oid"], 0))
        granted = [acl, *(column.acl for column in columns)]
        problem = row["problem"]
        if any(_foreign_grantor(item, row["owner"]) for item in granted):
            problem = _FOREIGN_GRANTOR
        if any(i.tablespace or i.replica_identity or not i.valid for i in indexes):
            problem = _INDEX
        if not self._accepted(row, "materialized view", problem):
            return None
        return MaterializedView(
            name=self._names[row["oid"]],
            relation=RelationName(*row["relation"]),
            owner=row["owner"],
            definition=row["definition"],
            options=row["options"],
            access_method=row["access_method"],
            tablespace=row["tablespace"],
            columns=columns,
            indexes=indexes,
            acl=acl,
            comment=row["comment"],
            tables=self._hangs_on(row["oid"], "tables"),
            needs=self._needs(row["oid"]),
            populated=row["populated"],
            bytes=row["bytes"],
            labels=labels.get((row["oid"], 0), ()),
        )

    def _routines(self, rows: list[Row]) -> tuple[Routine, ...]:
        oids = [row["oid"] for row in rows]
        acls = build_acls(fetch(self._connection, "dependent_routine_grants", routines=oids))
        labels = self._labels(routines=oids)
        routines = (
            self._routine(row, acls.get((row["oid"], 0)), labels.get((row["oid"], 0), ()))
            for row in rows
        )
        return tuple(routine for routine in routines if routine is not None)

    def _routine(
        self, row: Row, acl: tuple[Grant, ...] | None, labels: tuple[SecurityLabel, ...]
    ) -> Routine | None:
        problem = _FOREIGN_GRANTOR if _foreign_grantor(acl, row["owner"]) else row["problem"]
        if not self._accepted(row, row["kind"], problem):
            return None
        return Routine(
            name=self._names[row["oid"]],
            identity=row["identity"],
            schema=row["schema"],
            owner=row["owner"],
            definition=row["definition"],
            comment=row["comment"],
            acl=acl,
            tables=self._hangs_on(row["oid"], "tables"),
            through=self._hangs_on(row["oid"], "through"),
            needs=self._needs(row["oid"]),
            labels=labels,
        )

    def _rule(self, row: Row) -> Rule:
        return Rule(
            name=row["name"],
            relation=RelationName(*row["relation"]),
            relation_kind=row["relation_kind"],
            owner=row["owner"],
            definition=row["definition"],
            enabled=row["enabled"],
            comment=row["comment"],
            tables=self._hangs_on(row["oid"], "tables"),
        )

    def _accepted(self, row: Row, kind: str, problem: str | None) -> bool:
        if problem is None:
            return True
        for table in self._edges[row["oid"]]["tables"]:
            item = Unsupported(kind, self._names[row["oid"]], problem)
            self.unsupported[table].append(item)
        return False

    def _hangs_on(self, oid: int, which: str) -> tuple[RelationName, ...]:
        return tuple(sorted(self._tables[table] for table in self._edges[oid][which]))

    def _needs(self, oid: int) -> tuple[str, ...]:
        return tuple(sorted(self._names[need] for need in self._edges[oid]["needs"]))


def _relation_name(row: Row) -> str:
    kind = "materialized view" if row["materialized"] else "view"
    return f"{kind} {row['identity']}"


def _foreign_grantor(acl: tuple[Grant, ...] | None, owner: str) -> bool:
    return any(grant.grantor != owner for grant in acl or ())
