"""What the canary measured, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from uuidmig.planner.canary import CanarySample
from uuidmig.report.layout import grid, heading
from uuidmig.report.units import count, one_line


def canary_sections(samples: Sequence[CanarySample]) -> Iterator[RenderableType]:
    """Yield rows, rates and sizes a row of each table's sample; nothing without a canary."""
    if not samples:
        return
    yield heading("Canary: copied into temporary tables, rolled back")
    columns = (
        "table",
        "rows copied",
        "rows/s",
        "bytes a row",
        "indexed rows/s",
        "index bytes a row",
    )
    table = grid(*columns)
    for column in table.columns[1:]:
        column.justify = "right"
    for sample in samples:
        table.add_row(
            one_line(str(sample.table)),
            count(sample.rows),
            _rate(sample.rows, sample.seconds),
            _rate(sample.heap_bytes, sample.rows),
            _rate(sample.rows, sample.index_seconds),
            _rate(sample.index_bytes, sample.rows),
        )
    yield table


def _rate(amount: float, by: float) -> str:
    return count(amount / by) if by else "-"
