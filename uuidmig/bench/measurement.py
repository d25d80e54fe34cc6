"""What uuid indexes are like at one moment: plain data, and its JSON for the journal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from uuidmig.bench.index_health import IndexHealth
from uuidmig.catalog.model import RelationName

FILL_BUCKETS = 20
"""Bars of the histogram of page fill, 5 percent points each."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table, partitions included. Bytes; `rows` as of its last ANALYZE, -1: never analyzed."""

    table: RelationName
    rows: float
    heap_bytes: int
    toast_bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class PageFill:
    """How full the leaf pages of one index are, by the version of the keys on them.

    `v4`, `v7` and `mixed` (both, or another version) count pages in steps of 5 percent points.
    `pages` is how many were looked at, `exact` whether that was all of them.
    """

    table: RelationName
    index: str
    pages: int
    exact: bool
    v4: tuple[int, ...]
    v7: tuple[int, ...]
    mixed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InsertProbe:
    """Inserts into a copy of the first rows of a table, with its uuid indexes; see insert_probe.

    `key_version` is that of the inserted keys, `generator` the SQL that made them (not timed).
    `preloaded` and `rows` are rows before and inserted, `batch_ms` the server's time for each batch
    of `batch` rows. `wal_bytes` and `full_page_images` are those of the inserts alone, None where
    the server writes no WAL for new tables (wal_level minimal). `leaf_density` (percent) and
    `index_bytes` are of the key's index in the copy afterwards.
    """

    table: RelationName
    indexes: tuple[str, ...]
    generator: str
    key_version: int
    preloaded: int
    rows: int
    batch: int
    batch_ms: tuple[float, ...]
    wal_bytes: int | None
    full_page_images: int | None
    index_bytes: int
    leaf_density: float | None

    @property
    def rows_per_second(self) -> float:
        """The rate of the median batch: a server at work has batches that wait for others."""
        return 1000 * self.batch / max(statistics.median(self.batch_ms), 1e-6)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One look at the tables. stage: "before" or "after" the cutover, "now" without a migration.

    `missing` says what could not be measured and why, a line each.
    """

    stage: str
    at: datetime
    seconds: float
    server_version: str
    settings: tuple[tuple[str, str], ...]
    tables: tuple[TableSize, ...]
    indexes: tuple[IndexHealth, ...]
    page_fill: tuple[PageFill, ...] = ()
    probes: tuple[InsertProbe, ...] = ()
    missing: tuple[str, ...] = ()


_JSON = TypeAdapter(Measurement)


def to_json(measurement: Measurement) -> str:
    """Return the measurement as JSON text; `from_json` gives an equal one back."""
    return _JSON.dump_json(measurement).decode()


def from_json(text: str) -> Measurement:
    """Return the measurement from its JSON text; pydantic.ValidationError when it is none."""
    return _JSON.validate_json(text)


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that so large a share (0 to 1) of them does not exceed; None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
