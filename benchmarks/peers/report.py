"""What came out, as one JSON document and as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType

from benchmarks.migration.methods import Method
from benchmarks.migration.ratios import medians
from benchmarks.migration.rounds import Round
from benchmarks.migration.tables import (
    judged,
    medians_table,
    settings_facts,
    steps_facts,
    verdict,
)
from benchmarks.peers.afterwards import Growth
from benchmarks.peers.ratios import BAR, Ratio, further_rows, growth, ratios
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.units import size


@dataclass(frozen=True, slots=True)
class Report:
    """Everything measured. `left_out` says of methods by name why they did not run."""

    scales: tuple[float, ...]
    settings: Mapping[str, object]
    methods: Mapping[str, Method]
    left_out: Mapping[str, str]
    rounds: tuple[Round, ...]
    grown: tuple[Growth, ...]

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """Return the ratios of all scales, then how the cost grows from the first to the others."""
        by_scale = (ratio for scale in self.scales for ratio in ratios(self.rounds, scale))
        return (*by_scale, *growth(self.rounds, self.scales))

    @property
    def bars(self) -> tuple[Ratio, ...]:
        """Return the figure that has a bar, at each scale."""
        return tuple(ratio for ratio in self.ratios if ratio.figure == BAR.figure)


def report_document(report: Report) -> dict[str, object]:
    """Return the payload of --json; pass it to `uuidmig.report.document.document`."""
    return {
        "scales": report.scales,
        "settings": report.settings,
        "methods": {name: method.title for name, method in report.methods.items()},
        "left_out": report.left_out,
        "rounds": report.rounds,
        "medians": medians(report.rounds),
        "ratios": _figures(report),
        "ratios_by_scale": report.ratios,
        "further_rows": report.grown,
        "bars": [{"scale": one.scale, **judged(BAR, one.median)} for one in report.bars],
    }


def report_table(report: Report) -> RenderableType:
    """Return the medians, their steps, the ratios, what further rows cost, and what is left out."""
    return Group(*_sections(report))


def _figures(report: Report) -> dict[str, float | None]:
    """Return the medians of the first scale and the growth, by name."""
    first = {one.figure: one.median for one in ratios(report.rounds, report.scales[0])}
    grown = {one.figure: one.median for one in growth(report.rounds, report.scales)}
    return {**first, **grown, **dict(further_rows(report.grown))}


def _sections(report: Report) -> Iterator[RenderableType]:
    rows = medians(report.rounds)
    yield heading(f"Medians of {len(report.rounds)} round(s)")
    yield medians_table(rows)
    yield heading("Seconds by step")
    yield steps_facts(rows)
    yield heading("Ratios within a round: median, least and most")
    yield _ratios(report.ratios)
    if report.grown:
        yield heading("Indexes, before and after further rows")
        yield _grown(report.grown)
    if report.left_out:
        yield heading("Left out")
        yield facts(*report.left_out.items())
    yield heading("Settings")
    yield settings_facts(report.settings)


def _ratios(found: Sequence[Ratio]) -> RenderableType:
    table = grid("figure", "scale", "median", "spread", "bar")
    for one in found:
        bar = f"<= {BAR.limit:g}: {verdict(BAR, one.median)}" if one.figure == BAR.figure else ""
        spread = "" if one.least is None else f"{one.least:.2f} to {one.most:.2f}"
        value = "-" if one.median is None else f"{one.median:.2f}"
        table.add_row(one.figure, f"{one.scale:g}", value, spread, bar)
    return table


def _grown(grown: Sequence[Growth]) -> RenderableType:
    table = grid("method", "scale", "index", "size", "leaf density %", "bytes a new row")
    for one in grown:
        table.add_row(
            one.method,
            f"{one.scale:g}",
            one.index,
            f"{size(one.bytes_before)} -> {size(one.bytes_after)}",
            f"{one.density_before:.1f} -> {one.density_after:.1f}",
            f"{one.bytes_per_row:.1f}",
        )
    return table
