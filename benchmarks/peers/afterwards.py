"""What a method leaves behind: how the indexes of the keys grow with the rows that come after it.

Keys of the rows to come are made by the defaults that the method left: random ones after pg_repack,
version 7 after both strategies of uuidmig.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.migration.data import Dataset, order_count
from benchmarks.migration.methods import Method
from benchmarks.migration.scripts import Connection, read_sql
from uuidmig.servers.embedded import SUPERUSER

METHODS = ("migrate_2", "pg_repack", "default_only")
SHARE = 4
"""A quarter as many rows again come after the method."""
BATCH = 1000
"""Orders a transaction, each with its three items."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One index before and after `rows` more rows of its table. Densities of its leaf pages in
    percent, `bytes_per_row` those by which it grew."""

    method: str
    scale: float
    index: str
    rows: int
    bytes_before: int
    bytes_after: int
    density_before: float
    density_after: float
    bytes_per_row: float


@dataclass(slots=True)
class FurtherRows:
    """Inserts further rows after the first run of each method in `METHODS` at one scale: how full
    they leave the pages does not depend on it, and random keys take long in large indexes."""

    scale: float
    found: dict[str, tuple[Growth, ...]] = field(default_factory=dict)

    @property
    def grown(self) -> tuple[Growth, ...]:
        """Return what was measured, by method."""
        return tuple(growth for name in METHODS for growth in self.found.get(name, ()))

    def insert(self, data: Dataset, method: Method, dsn: str) -> None:
        """Insert as the owner, and note how the indexes took it."""
        wanted = data.scale == self.scale and method.name in METHODS
        if wanted and method.name not in self.found:
            self.found[method.name] = _grow(data, method, dsn)


_Health = dict[str, tuple[int, float]]


def _grow(data: Dataset, method: Method, dsn: str) -> tuple[Growth, ...]:
    orders = max(1, order_count(data.scale) // SHARE)
    with psycopg.connect(make_conninfo(dsn, user=SUPERUSER), autocommit=True) as admin:
        admin.execute("CREATE EXTENSION pgstattuple")
        before = _health(admin)
        items = _insert(dsn, orders)
        after = _health(admin)
    rows = {"orders_pkey": orders}
    return tuple(
        _growth(method.name, data.scale, index, rows.get(index, items), before, after)
        for index in before
    )


def _health(admin: Connection) -> _Health:
    rows = admin.execute(read_sql("index_health", __package__)).fetchall()
    return {name: (size, density) for name, size, density in rows}


def _insert(dsn: str, orders: int) -> int:
    """Insert that many orders with their items; return how many items they have."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        query = read_sql("further_rows", __package__)
        return sum(connection.execute(query, [rows]).rowcount for rows in _batches(orders))


def _batches(rows: int) -> Iterator[int]:
    for done in range(0, rows, BATCH):
        yield min(BATCH, rows - done)


def _growth(
    method: str, scale: float, index: str, rows: int, before: _Health, after: _Health
) -> Growth:
    (bytes_before, density_before), (bytes_after, density_after) = before[index], after[index]
    return Growth(
        method=method,
        scale=scale,
        index=index,
        rows=rows,
        bytes_before=bytes_before,
        bytes_after=bytes_after,
        density_before=density_before,
        density_after=density_after,
        bytes_per_row=round((bytes_after - bytes_before) / rows, 2),
    )
