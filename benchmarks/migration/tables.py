"""Parts of reports that every comparison of methods has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import RenderableType

from benchmarks.migration.ratios import Bar, Median
from uuidmig.report.layout import facts, grid
from uuidmig.report.units import duration, size


def medians_table(rows: Iterable[Median]) -> RenderableType:
    """Return what each method took, a line for each scale."""
    table = grid("method", "scale", "time", "WAL", "size", "peak disk", "client memory")
    for row in rows:
        memory = row.client_memory_bytes
        table.add_row(
            row.method,
            f"{row.scale:g}",
            duration(row.seconds),
            size(row.wal_bytes),
            size(row.size_bytes),
            f"{size(row.disk_peak_bytes)} (from {size(row.disk_before_bytes)})",
            "-" if memory is None else size(memory),
        )
    return table


def steps_facts(rows: Iterable[Median]) -> RenderableType:
    """Return the seconds that each step of each method took."""
    return facts(*((f"{row.method} at {row.scale:g}", _steps(row)) for row in rows))


def settings_facts(settings: Mapping[str, object]) -> RenderableType:
    """Return what the figures depend on."""
    return facts(*((name, setting(value)) for name, value in settings.items()))


def setting(value: object) -> str:
    """Return a value of the document as people read it."""
    match value:
        case Mapping():
            return ", ".join(f"{name} = {one}" for name, one in value.items())
        case float():
            return f"{value:.1f}"
        case tuple():
            return "; ".join(map(str, value)) or "none"
        case _:
            return str(value)


def verdict(bar: Bar, value: float | None) -> str:
    """Say whether the bar is met; None is a figure that was not measured."""
    if value is None:
        return "not measured"
    return "met" if bar.is_met(value) else "not met"


def judged(bar: Bar, value: float | None) -> dict[str, object]:
    """Return the same for the document."""
    return {
        "figure": bar.figure,
        "bar": "at least" if bar.at_least else "at most",
        "limit": bar.limit,
        "value": value,
        "met": None if value is None else bar.is_met(value),
    }


def _steps(row: Median) -> str:
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.steps.items())
