"""Figures of a measurement as a whole: what the table and the verdict of a report compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from uuidmig.bench.index_health import IndexHealth
from uuidmig.bench.measurement import InsertProbe, Measurement


def index_bytes(measurement: Measurement) -> int:
    """Return the bytes of all indexes with a uuid column."""
    return sum(index.bytes for index in measurement.indexes)


def table_bytes(measurement: Measurement) -> int:
    """Return the bytes of the tables with their indexes and TOAST."""
    return sum(one.heap_bytes + one.toast_bytes + one.index_bytes for one in measurement.tables)


def density(measurement: Measurement) -> float | None:
    """Return the mean leaf density in percent, weighted by the size of the indexes."""
    return _mean(measurement.indexes, lambda index: index.leaf_density)


def fragmentation(measurement: Measurement) -> float | None:
    """Return the mean leaf fragmentation in percent, weighted likewise."""
    return _mean(measurement.indexes, lambda index: index.leaf_fragmentation)


def keys(measurement: Measurement) -> tuple[int, int, int] | None:
    """Return how many keys are of version 4, 7 and another, each table's first column once."""
    first: dict[str, tuple[int, int, int]] = {}
    for index in measurement.indexes:
        if index.keys is not None:
            counts = index.keys.v4, index.keys.v7, index.keys.other
            first.setdefault(str(index.table), counts)
    if not first:
        return None
    v4, v7, other = (sum(counts[n] for counts in first.values()) for n in range(3))
    return v4, v7, other


def wal_a_row(probe: InsertProbe) -> float | None:
    """Return WAL bytes a row; None where nobody knows it."""
    return None if probe.wal_bytes is None else probe.wal_bytes / max(1, probe.rows)


def _mean(
    indexes: Sequence[IndexHealth], figure: Callable[[IndexHealth], float | None]
) -> float | None:
    found = [(index.bytes, value) for index in indexes if (value := figure(index)) is not None]
    weight = sum(octets for octets, _ in found)
    return sum(octets * value for octets, value in found) / weight if weight else None
