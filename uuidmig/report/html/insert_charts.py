"""Charts of the insert probes: rows a second over time, latency of a batch, WAL a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from uuidmig.bench.measurement import InsertProbe, percentile
from uuidmig.report.html.model import ReportDocument
from uuidmig.report.html.svg import AFTER, BEFORE, GRID, INK, MUTED, draw_svg, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BEFORE, AFTER)
SHARES = (("p50", 0.50), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))


def probe_throughput_charts(report: ReportDocument) -> Iterator[str]:
    """Yield rows a second by rows inserted, a chart a table."""
    for pair in report.probes():
        yield _throughput(pair)


def _throughput(pair: Sequence[InsertProbe]) -> str:
    def paint(axes: Axes) -> None:
        for probe, colour in zip(pair, _COLOURS, strict=True):
            inserted = list(accumulate(probe.batch for _ in probe.batch_ms))
            rates = [probe.batch / milliseconds for milliseconds in probe.batch_ms]
            axes.plot([n / 1000 for n in inserted], rates, color=colour, linewidth=1.8)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color=GRID)
        axes.set_xlabel("thousand rows inserted")
        axes.set_ylabel("thousand rows a second")
        _title(axes, str(pair[0].table))

    alt = f"rows a second of the insert probe of {pair[0].table}, before and after"
    return draw_svg(f"probe-{pair[0].table}", alt, paint)


def probe_latency_charts(report: ReportDocument) -> Iterator[str]:
    """Yield the percentiles of a batch's time, a chart a table."""
    for pair in report.probes():
        values = [[percentile(one.batch_ms, share) or 0.0 for _, share in SHARES] for one in pair]
        alt = f"milliseconds for a batch of {pair[0].batch} rows in {pair[0].table}"
        label = f"ms for {pair[0].batch:,} rows"
        names = [name for name, _ in SHARES]
        yield grouped_bars(
            f"latency-{pair[0].table}", alt, label, names, values, title=str(pair[0].table)
        )


def wal_chart(report: ReportDocument) -> str | None:
    """Return the WAL a row of each probe; None where nobody knows it."""
    pairs = [pair for pair in report.probes() if all(probe.wal_bytes is not None for probe in pair)]
    if not pairs:
        return None
    values = [[(pair[n].wal_bytes or 0) / pair[n].rows for pair in pairs] for n in (0, 1)]
    names = [shorten(str(pair[0].table.name), 16) for pair in pairs]
    alt = "WAL bytes a row of the insert probes, before and after"
    return grouped_bars("wal", alt, "WAL bytes a row", names, values)


def grouped_bars(
    name: str,
    alt: str,
    label: str,
    groups: Sequence[str],
    series: Sequence[Sequence[float]],
    *,
    title: str = "",
    colours: Sequence[str] = _COLOURS,
) -> str:
    """Return bars side by side, a group each for `groups`, with their values above them.

    `colours` has one a series; of a single series one a group.
    """
    bar = 0.8 / len(series)

    def paint(axes: Axes) -> None:
        top = max((value for values in series for value in values), default=0.0) or 1.0
        for place, values in enumerate(series):
            for group, value in enumerate(values):
                colour = colours[group if len(series) == 1 else place]
                x = group + (place - (len(series) - 1) / 2) * bar
                axes.bar(x, value, width=bar * 0.92, color=colour)
                text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
                axes.text(x, value + top * 0.02, text, ha="center", fontsize=8.5, color=MUTED)
        axes.set_ylim(0, top * 1.15)
        axes.yaxis.set_major_formatter("{x:,.10g}")
        axes.set_xlim(-0.6, len(groups) - 0.4)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.tick_params(axis="x", length=0, labelcolor=INK)
        axes.grid(axis="y", color=GRID)
        axes.set_ylabel(label)
        if title:
            _title(axes, title)

    return draw_svg(name, alt, paint)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(shorten(text, 40), fontsize=10.5, loc="left", color=INK)
