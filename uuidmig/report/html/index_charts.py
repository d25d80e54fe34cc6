"""Charts of the indexes: density and fragmentation before and after, page fill by key version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from uuidmig.bench.index_health import IndexHealth
from uuidmig.bench.measurement import FILL_BUCKETS, Measurement, PageFill
from uuidmig.report.html.model import ReportDocument
from uuidmig.report.html.svg import AFTER, BEFORE, GRID, INK, MIXED, MUTED, draw_svg, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_INDEXES = 12
_BAR = 0.26


def density_chart(report: ReportDocument) -> str | None:
    """Return leaf density by index; None where nothing was measured."""
    return _percents(report, "leaf_density", "leaf density, percent")


def fragmentation_chart(report: ReportDocument) -> str | None:
    """Return leaf fragmentation by index; None where nothing was measured."""
    return _percents(report, "leaf_fragmentation", "leaf fragmentation, percent")


def biggest(measured: Sequence[Measurement]) -> list[tuple[str, list[IndexHealth | None]]]:
    """Return the indexes measured, biggest first, each with what every measurement found."""
    by_name: dict[str, list[IndexHealth | None]] = {}
    for number, measurement in enumerate(measured):
        for index in measurement.indexes:
            name = f"{index.table.schema}.{index.index}"
            by_name.setdefault(name, [None] * len(measured))[number] = index
    return sorted(by_name.items(), key=lambda pair: -max(one.bytes for one in pair[1] if one))


def _percents(report: ReportDocument, figure: str, label: str) -> str | None:
    measured = report.measured
    rows = [
        (name, [None if one is None else getattr(one, figure) for one in found])
        for name, found in biggest(measured)[:MOST_INDEXES]
    ]
    rows = [(name, values) for name, values in rows if any(v is not None for v in values)]
    if not rows:
        return None
    colours = [BEFORE if one.stage == "before" else AFTER for one in measured]

    def paint(axes: Axes) -> None:
        for row, (name, values) in enumerate(rows):
            axes.text(0, row - 0.3, shorten(name), color=INK, va="bottom", fontsize=9.5)
            for place, (value, colour) in enumerate(zip(values, colours, strict=True)):
                if value is None:
                    continue
                y = row - 0.1 + place * (_BAR + 0.04)
                axes.barh(y, value, height=_BAR, color=colour)
                axes.text(value + 1, y, f"{value:.0f}", color=MUTED, va="center", fontsize=9)
        axes.set_xlim(0, 112)
        axes.set_ylim(len(rows) - 0.35, -0.62)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)

    height = 70 + 46 * len(rows)
    return draw_svg(figure, f"{label}, by index", paint, height=height)


def page_fill_charts(report: ReportDocument) -> Iterator[str]:
    """Yield one histogram an index and measurement; the bars are stacked by key version."""
    fills = [
        (measurement.stage, fill)
        for measurement in report.measured
        for fill in measurement.page_fill
        if fill.pages
    ]
    order = {str((fill.table, fill.index)): n for n, (_, fill) in reversed([*enumerate(fills)])}
    for stage, fill in sorted(fills, key=lambda one: order[str((one[1].table, one[1].index))]):
        yield _histogram(stage, fill)


def _histogram(stage: str, fill: PageFill) -> str:
    shares = [100 / FILL_BUCKETS * (bucket + 0.5) for bucket in range(FILL_BUCKETS)]
    kinds = ((fill.v4, BEFORE), (fill.mixed, MIXED), (fill.v7, AFTER))

    def paint(axes: Axes) -> None:
        base = [0.0] * FILL_BUCKETS
        for counts, colour in kinds:
            percent = [100 * count / fill.pages for count in counts]
            for share, low, high in zip(shares, base, percent, strict=True):
                if high:
                    axes.bar(share, high, width=4.4, bottom=low, color=colour)
            base = [low + high for low, high in zip(base, percent, strict=True)]
        axes.set_xlim(0, 100)
        axes.set_ylim(0, max(10.0, *base) * 1.1)
        axes.grid(axis="y", color=GRID)
        axes.set_xlabel("page fill, percent")
        axes.set_ylabel("share of leaf pages, percent")
        name = f"{fill.table.schema}.{fill.index}"
        axes.set_title(f"{shorten(name, 34)}, {stage}", fontsize=10.5, loc="left", color=INK)

    alt = f"how full the leaf pages of {fill.index} are, {stage} the cutover"
    return draw_svg(f"fill-{stage}-{fill.table}-{fill.index}", alt, paint, height=220)
