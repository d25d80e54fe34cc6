"""Security labels, by the object that bears them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from uuidmig.catalog.model import SecurityLabel
from uuidmig.catalog.rows import Row

type Labels = Mapping[tuple[int, int], tuple[SecurityLabel, ...]]
"""By oid and column number: 0 the object itself, -1 a relation's row type."""


def build_labels(rows: Iterable[Row]) -> Labels:
    """Return the labels of each object, in the order of their providers."""
    found: dict[tuple[int, int], tuple[SecurityLabel, ...]] = {}
    for row in rows:
        key = row["oid"], row["number"]
        found[key] = (*found.get(key, ()), SecurityLabel(row["provider"], row["label"]))
    return found
