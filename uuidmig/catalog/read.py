"""Read the catalog of one database. Never writes, needs no rights beyond CONNECT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from uuidmig.catalog.columns import build_columns, build_sequences, further_sequences
from uuidmig.catalog.dependents import DependentObjects, read_dependents
from uuidmig.catalog.grants import build_acls
from uuidmig.catalog.labels import build_labels
from uuidmig.catalog.model import (
    Catalog,
    Check,
    ExtendedStatistics,
    ForeignKey,
    Index,
    Policy,
    Publication,
    RelationName,
    Server,
    Table,
    Trigger,
    Unsupported,
)
from uuidmig.catalog.partitions import fold_partitions
from uuidmig.catalog.publications import build_publications
from uuidmig.catalog.queries import load
from uuidmig.catalog.rows import Row, by_table, fetch
from uuidmig.catalog.types import build_types

_UNSUPPORTED = (
    "unsupported_tables",
    "unsupported_parts",
    "unsupported_subscriptions",
)


def read_catalog(connection: psycopg.Connection[Any], schemas: Sequence[str] = ()) -> Catalog:
    """Return the tables of the schemas (none given: of all) as one snapshot shows them.

    The connection must be outside a transaction, else psycopg.errors.ActiveSqlTransaction; it is
    left as it was. A foreign key from a schema left out makes the referenced table unsupported.
    Takes no lock but ACCESS SHARE for a moment (sizes), so it waits for an ALTER TABLE under way.
    """
    with _snapshot(connection):
        server = _read_server(connection)
        rows = fetch(connection, "tables", schemas=list(schemas))
        names = {row["oid"]: RelationName(row["schema"], row["name"]) for row in rows}
        dependents = read_dependents(connection, names)
        tables = _read_tables(connection, rows, dependents)
        return Catalog(server, tables, _read_publications(connection), dependents.found)


@contextmanager
def _snapshot(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """One REPEATABLE READ READ ONLY transaction in which definitions are schema-qualified."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(load("session"))
        yield


def _read_server(connection: psycopg.Connection[Any]) -> Server:
    (server,) = fetch(connection, "server")
    settings = tuple((row["name"], row["value"]) for row in fetch(connection, "settings"))
    extensions = tuple((row["name"], row["schema"]) for row in fetch(connection, "extensions"))
    return Server(settings=settings, extensions=extensions, **server)


def _read_tables(
    connection: psycopg.Connection[Any], rows: list[Row], dependents: DependentObjects
) -> tuple[Table, ...]:
    oids = [row["oid"] for row in rows]

    def read(query: str) -> list[Row]:
        return fetch(connection, query, tables=oids)

    acls = build_acls(read("grants"))
    sequences = read("sequences")
    labelled = [*oids, *(row["sequence_oid"] for row in sequences)]
    labels = build_labels(fetch(connection, "security_labels", relations=labelled, routines=[]))
    owned = build_sequences(sequences, acls, labels)
    columns = build_columns(read("columns"), build_types(read("types")), owned, acls, labels)
    indexes = by_table(read("indexes"), Index)
    checks = by_table(read("checks"), Check)
    foreign_keys = by_table(read("foreign_keys"), _foreign_key)
    triggers = by_table(read("triggers"), _trigger)
    statistics = by_table(read("statistics"), _statistics)
    policies = by_table(read("policies"), _policy)
    unsupported: list[Mapping[int, tuple[Unsupported, ...]]]
    unsupported = [by_table(read(query), Unsupported) for query in _UNSUPPORTED]
    unsupported.append(further_sequences(owned))
    unsupported.append(by_table(_other_dependents(connection, oids, dependents), Unsupported))
    unsupported.append(dependents.unsupported)

    def build(
        oid: int, schema: str, name: str, parent: tuple[str, str] | None, **fields: Any
    ) -> Table:
        return Table(
            name=RelationName(schema, name),
            oid=oid,
            parent=RelationName(*parent) if parent else None,
            columns=columns.get(oid, ()),
            indexes=indexes.get(oid, ()),
            checks=checks.get(oid, ()),
            foreign_keys=foreign_keys.get(oid, ()),
            triggers=triggers.get(oid, ()),
            statistics=statistics.get(oid, ()),
            policies=policies.get(oid, ()),
            acl=acls.get((oid, 0)),
            row_type_acl=acls.get((oid, -1)),
            labels=labels.get((oid, 0), ()),
            row_type_labels=labels.get((oid, -1), ()),
            unsupported=tuple(item for found in unsupported for item in found.get(oid, ())),
            **fields,
        )

    return fold_partitions(build(**row) for row in rows)


def _trigger(watches: tuple[str, str] | None, **fields: Any) -> Trigger:
    return Trigger(watches=RelationName(*watches) if watches else None, **fields)


def _read_publications(connection: psycopg.Connection[Any]) -> tuple[Publication, ...]:
    members = fetch(connection, "publication_members")
    return build_publications(fetch(connection, "publications"), members)


def _other_dependents(
    connection: psycopg.Connection[Any], oids: list[int], dependents: DependentObjects
) -> list[Row]:
    return fetch(
        connection,
        "unsupported_dependents",
        tables=oids,
        recreated_tables=[table for table, _, _ in dependents.targets],
        recreated_classes=[classid for _, classid, _ in dependents.targets],
        recreated_objects=[objid for _, _, objid in dependents.targets],
        known_classes=[classid for classid, _ in dependents.known],
        known_objects=[objid for _, objid in dependents.known],
    )


def _foreign_key(child: tuple[str, str], parent: tuple[str, str], **fields: Any) -> ForeignKey:
    return ForeignKey(child=RelationName(*child), parent=RelationName(*parent), **fields)


def _statistics(relation: tuple[str, str], **fields: Any) -> ExtendedStatistics:
    return ExtendedStatistics(relation=RelationName(*relation), **fields)


def _policy(relation: tuple[str, str], reads: tuple[tuple[str, str], ...], **fields: Any) -> Policy:
    return Policy(
        relation=RelationName(*relation),
        reads=tuple(RelationName(*name) for name in reads),
        **fields,
    )
