"""A forecast from a few chunks that were really copied, scaled to the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uuidmig.catalog.model import RelationName, Table
from uuidmig.planner.forecast import VERIFY_SECONDS, WAL_FACTOR, estimated_rows, fixed_seconds
from uuidmig.planner.model import Forecast, Plan
from uuidmig.planner.partitions import all_leaves

# Of 600,000 rows on two cores with other work: foretold 5.7 s, 6.2 to 8.3 s in truth. One session
# that writes no WAL was about as fast as two workers that do.
_BASIS = (
    "{rows:,} rows really copied through the mapping into temporary tables at {rate:,.0f} rows/s, "
    "and indexed there, by one session, scaled to all rows; two workers, which write WAL, are "
    "taken to be as fast; the comparison of both sides is estimated"
)


@dataclass(frozen=True, slots=True)
class CanarySample:
    """What the canary copied of one table. `whole`: all of it. Seconds of one session.

    `heap_bytes` and `index_bytes` are of the copies, with TOAST.
    """

    table: RelationName
    rows: int
    whole: bool
    seconds: float
    heap_bytes: int
    index_seconds: float
    index_bytes: int


def measured_plan(plan: Plan, samples: Sequence[CanarySample]) -> Plan:
    """Return the plan with the forecasts that follow from the samples, for showing.

    Never run it: the same catalog and options are to give the same revisions, canary or not.
    """
    forecast = measured_forecast(plan, samples)
    outlooks = tuple(
        replace(
            outlook,
            disk_bytes=forecast.disk_bytes,
            wal_bytes=forecast.wal_bytes,
            seconds=forecast.seconds,
            basis=forecast.basis,
        )
        if outlook.strategy == plan.options.strategy
        else outlook
        for outlook in plan.strategies
    )
    return replace(plan, forecast=forecast, strategies=outlooks)


def measured_forecast(plan: Plan, samples: Sequence[CanarySample]) -> Forecast:
    """Return the forecast of a rewrite, each table scaled by its own sample."""
    tables = {leaf.name: leaf.table for leaf in all_leaves(plan)}
    scaled = [_scale(tables[sample.table], sample) for sample in samples]
    heap, indexes = sum(part.heap for part in scaled), sum(part.indexes for part in scaled)
    biggest = max((part.biggest_index for part in scaled), default=0)
    copied = sum(sample.rows for sample in samples)
    spent = sum(sample.seconds for sample in samples)
    return Forecast(
        rows=sum(part.rows for part in scaled),
        heap_bytes=heap,
        index_bytes=indexes,
        disk_bytes=heap + indexes + biggest,
        wal_bytes=round(WAL_FACTOR * sum(p.heap + p.indexes for p in scaled if p.logged)),
        seconds=fixed_seconds(plan.tables) + sum(part.seconds for part in scaled),
        basis=_BASIS.format(rows=copied, rate=copied / spent if spent else 0),
    )


@dataclass(frozen=True, slots=True)
class _Scaled:
    rows: int
    heap: int
    indexes: int
    biggest_index: int
    seconds: float
    logged: bool


def _scale(table: Table, sample: CanarySample) -> _Scaled:
    rows = sample.rows if sample.whole else max(estimated_rows(table), sample.rows)
    factor = rows / sample.rows if sample.rows else 0.0
    spent = (sample.seconds + sample.index_seconds) * factor
    indexes = round(sample.index_bytes * factor)
    present = sum(index.bytes for index in table.indexes)
    biggest = max((index.bytes for index in table.indexes), default=0)
    return _Scaled(
        rows=rows,
        heap=round(sample.heap_bytes * factor),
        indexes=indexes,
        biggest_index=round(indexes * biggest / present) if present else 0,
        seconds=spent + rows * VERIFY_SECONDS,
        logged=table.persistence == "p",
    )
