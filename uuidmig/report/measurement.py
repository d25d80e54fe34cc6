"""A measurement for people: every uuid index, and what the insert probe found."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from uuidmig.bench.measurement import InsertProbe, Measurement, percentile
from uuidmig.report.index_health import index_health_table
from uuidmig.report.layout import grid, heading
from uuidmig.report.units import count, one_line


def measurement_table(measurement: Measurement) -> RenderableType:
    """Return the indexes, the probes, and what could not be measured."""
    return Group(*_sections(measurement))


def _sections(measurement: Measurement) -> Iterator[RenderableType]:
    yield index_health_table(measurement.indexes)
    if measurement.probes:
        yield heading("Insert probe, rolled back")
        yield _probes(measurement)
    for line in measurement.missing:
        yield Text(f"\nnot measured: {one_line(line)}")


def _probes(measurement: Measurement) -> RenderableType:
    table = grid("table", "keys", "rows/s", "p50 ms", "p99 ms", "WAL a row", "density left")
    for column in range(2, 7):
        table.columns[column].justify = "right"
    for probe in measurement.probes:
        table.add_row(
            one_line(str(probe.table)),
            f"uuid{probe.key_version}",
            count(probe.rows_per_second),
            _milliseconds(probe, 0.5),
            _milliseconds(probe, 0.99),
            "-" if probe.wal_bytes is None else f"{probe.wal_bytes / probe.rows:.0f} B",
            "-" if probe.leaf_density is None else f"{probe.leaf_density:.1f} %",
        )
    return table


def _milliseconds(probe: InsertProbe, share: float) -> str:
    value = percentile(probe.batch_ms, share)
    return "-" if value is None else f"{value:.1f}"
