"""Rewrite and default-only side by side: what each costs, and what becomes of the key indexes.

Densities were measured (docs/performance.md, "Changing only the default"): nbtree splits a full
page that is not the rightmost one half and half, and puts a new page behind the rightmost one when
that is 90 % full. Version 7 keys come in order: what a split leaves behind on the left is never
filled again. An index that starts with another column gets such splits at the end of each of its
values; random keys fill such pages again, to about 70 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uuidmig.catalog.model import Index, RelationName
from uuidmig.planner.model import (
    DEFAULT_ONLY,
    ClosureTable,
    Forecast,
    IndexOutlook,
    KeyDomain,
    StrategyOutlook,
)

# Milliseconds that the locks of the switch are held, measured on two cores, PostgreSQL 18.
_SWAP_MS, _SWAP_TABLE_MS = 10.0, 9.0
_DEFAULTS_MS, _DEFAULTS_COLUMN_MS = 5.0, 0.3

# A key alone in its index takes 28 bytes (8 header, 16 uuid, 4 line pointer) and its share of what
# is empty in its page.
_BYTES_AT_90_PERCENT = 31.6
_BYTES_AT_50_PERCENT = 56.9
_FULL, _HALF = 90, 50

_SECONDS = 0.5  # journal and revisions
_COLUMN_SECONDS = 0.003
_JOURNAL_BYTES = 350_000  # tables and indexes of the journal; as much WAL
_DEFAULTS_BASIS = (
    "measured: the journal and one ALTER TABLE a column; no row of a table is read or written"
)


def compare_strategies(
    tables: Sequence[ClosureTable],
    domains: Sequence[KeyDomain],
    rewrite: Forecast,
    *,
    switched: int,
    refusals: int,
    server_refusals: int,
) -> tuple[StrategyOutlook, StrategyOutlook]:
    """Return rewrite and default-only. `tables` is the closure of a rewrite, `switched` how many
    columns get a new default; refusals are those that the catalog shows."""
    return (
        StrategyOutlook(
            strategy="rewrite",
            columns=sum(domain.generator.new_default is not None for domain in domains),
            disk_bytes=rewrite.disk_bytes,
            wal_bytes=rewrite.wal_bytes,
            seconds=rewrite.seconds,
            lock_ms=_SWAP_MS + _SWAP_TABLE_MS * len(tables),
            refusals=refusals,
            indexes=tuple(_indexes(tables, rewritten=True)),
            basis=rewrite.basis,
        ),
        default_outlook(tables, switched=switched, refusals=server_refusals),
    )


def default_outlook(
    tables: Sequence[ClosureTable], *, switched: int, refusals: int
) -> StrategyOutlook:
    """Return what default-only costs: nothing that grows with the rows."""
    forecast = default_forecast(switched)
    return StrategyOutlook(
        strategy=DEFAULT_ONLY,
        columns=switched,
        disk_bytes=forecast.disk_bytes,
        wal_bytes=forecast.wal_bytes,
        seconds=forecast.seconds,
        lock_ms=_DEFAULTS_MS + _DEFAULTS_COLUMN_MS * switched,
        refusals=refusals,
        indexes=tuple(_indexes(tables, rewritten=False)),
        basis=forecast.basis,
    )


def default_forecast(switched: int) -> Forecast:
    """Return the forecast of changing so many defaults."""
    return Forecast(
        rows=0,
        heap_bytes=0,
        index_bytes=0,
        disk_bytes=_JOURNAL_BYTES,
        wal_bytes=_JOURNAL_BYTES,
        seconds=_SECONDS + _COLUMN_SECONDS * switched,
        basis=_DEFAULTS_BASIS,
    )


def _indexes(tables: Sequence[ClosureTable], *, rewritten: bool) -> Iterator[IndexOutlook]:
    for entry in tables:
        roots = {column for column, _ in entry.roots}
        references = {reference.column for reference in entry.references}
        for index in entry.table.indexes:
            if index.method == "btree" and index.valid and roots & set(index.columns):
                yield _outlook(entry, index, roots, references, rewritten)


def _outlook(
    entry: ClosureTable, index: Index, roots: set[str], references: set[str], rewritten: bool
) -> IndexOutlook:
    name = RelationName(entry.name.schema, index.name)
    first = index.columns[0]
    if first in roots:
        alone = len(index.columns) == 1 and not index.included
        if rewritten:
            size = _BYTES_AT_90_PERCENT if alone else None
            return IndexOutlook(name, entry.name, index.columns, "rightmost", _FULL, size)
        size = _BYTES_AT_50_PERCENT if alone else None
        return IndexOutlook(name, entry.name, index.columns, "middle", _HALF, size)
    if first in references and rewritten:
        return IndexOutlook(name, entry.name, index.columns, "follows-parent", None, None)
    return IndexOutlook(name, entry.name, index.columns, "scattered", _HALF, None)
