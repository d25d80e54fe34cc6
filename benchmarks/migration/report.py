"""What came out, as one JSON document and as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from rich.console import Group, RenderableType

from benchmarks.migration.load import Load
from benchmarks.migration.methods import METHODS
from benchmarks.migration.ratios import BARS, Bar, medians, ratios
from benchmarks.migration.rounds import Round
from benchmarks.migration.tables import (
    judged,
    medians_table,
    setting,
    settings_facts,
    steps_facts,
    verdict,
)
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.units import size


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured. `load` is None without --load."""

    scale: float
    settings: Mapping[str, object]
    rounds: tuple[Round, ...]
    load: Load | None = None

    @property
    def figures(self) -> dict[str, float | None]:
        """Return all ratios and every figure that has a bar; None for what was not measured."""
        unmeasured: dict[str, float | None] = {bar.figure: None for bar in BARS}
        under_load = self.load.figures if self.load else {}
        return {**unmeasured, **ratios(self.rounds, self.scale), **under_load}


def report_document(report: Report) -> dict[str, object]:
    """Return the payload of --json; pass it to `uuidmig.report.document.document`."""
    figures = report.figures
    return {
        "scale": report.scale,
        "settings": report.settings,
        "methods": {name: method.title for name, method in METHODS.items()},
        "rounds": report.rounds,
        "medians": medians(report.rounds),
        "ratios": figures,
        "bars": [judged(bar, figures.get(bar.figure)) for bar in BARS],
        "load": report.load,
    }


def report_table(report: Report) -> RenderableType:
    """Return the medians, their steps, the ratios and which bars are met."""
    return Group(*_sections(report))


def _sections(report: Report) -> Iterator[RenderableType]:
    rows = medians(report.rounds)
    yield heading(f"Medians of {len(report.rounds)} round(s)")
    yield medians_table(rows)
    yield heading("Seconds by step")
    yield steps_facts(rows)
    if report.load:
        yield heading("Under load: the demo's shop and writers")
        yield facts(*_load(report.load))
    yield heading("Ratios and bars")
    yield _bars(report.figures)
    yield heading("Settings")
    yield settings_facts(report.settings)


def _load(load: Load) -> Iterator[tuple[str, str]]:
    for name, value in asdict(load).items():
        yield name.replace("_", " "), setting(value)


def _bars(figures: Mapping[str, float | None]) -> RenderableType:
    table = grid("figure", "value", "bar", "")
    bars = {bar.figure: bar for bar in BARS}
    for name, value in figures.items():
        table.add_row(name, _figure(name, value), *_bar(bars.get(name), value))
    return table


def _bar(bar: Bar | None, value: float | None) -> tuple[str, str]:
    if bar is None:
        return "", ""
    limit = f"{'>=' if bar.at_least else '<='} {_figure(bar.figure, bar.limit)}"
    return limit, verdict(bar, value)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return size(value) if name.endswith("_bytes") else f"{value:.2f}"
