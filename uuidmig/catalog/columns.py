"""Columns with the sequences they own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from uuidmig.catalog.grants import Acls
from uuidmig.catalog.labels import Labels
from uuidmig.catalog.model import Column, RelationName, Sequence, Unsupported
from uuidmig.catalog.rows import Row, by_table
from uuidmig.catalog.types import Types

type OwnedSequences = dict[tuple[int, int], list[Sequence]]  # by table oid and column number


def build_sequences(rows: Iterable[Row], acls: Acls, labels: Labels) -> OwnedSequences:
    """Return the sequences of each column that owns one, the column's main sequence first."""
    owned: OwnedSequences = {}
    for row in rows:
        fields = dict(row)
        key = fields.pop("table_oid"), fields.pop("number")
        itself = fields.pop("sequence_oid"), 0
        sequence = Sequence(
            relation=RelationName(*fields.pop("relation")),
            acl=acls.get(itself),
            labels=labels.get(itself, ()),
            **fields,
        )
        owned.setdefault(key, []).append(sequence)
    return owned


def build_columns(
    rows: Iterable[Row], types: Types, owned: OwnedSequences, acls: Acls, labels: Labels
) -> dict[int, tuple[Column, ...]]:
    """Return the columns of each table, in column order."""

    def build(oid: int, type_oid: int, number: int, **fields: Any) -> Column:
        return Column(
            number=number,
            base_type=types.base_name(type_oid),
            hashable=types.hashable(type_oid),
            hash_function=types.hash_function(type_oid),
            sequence=next(iter(owned.get((oid, number), ())), None),
            acl=acls.get((oid, number)),
            labels=labels.get((oid, number), ()),
            **fields,
        )

    return by_table(({**row, "oid": row["table_oid"]} for row in rows), build)


def further_sequences(owned: OwnedSequences) -> dict[int, tuple[Unsupported, ...]]:
    """Return by table the sequences beyond the one a column can keep: OWNED BY allows several."""
    found: dict[int, tuple[Unsupported, ...]] = {}
    for (oid, _), (_, *others) in owned.items():
        for sequence in others:
            name = f"sequence {sequence.relation.identifier.as_string(None)}"
            further = Unsupported("sequence", name, "its column owns another sequence as well")
            found[oid] = (*found.get(oid, ()), further)
    return found
