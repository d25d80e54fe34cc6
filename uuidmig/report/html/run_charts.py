"""Charts of the run: its steps with locks and stalls, rows copied, what the application felt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from uuidmig.demo.application import ApplicationRecord
from uuidmig.engine.migration_record import CopiedSpan, MigrationRecord
from uuidmig.report.html.svg import (
    AFTER,
    ALERT,
    BEFORE,
    GRID,
    INK,
    MIXED,
    MUTED,
    NARROW,
    PAPER,
    PLAIN,
    WIDE,
    draw_svg,
)
from uuidmig.report.units import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SLICES = 100
_LEAST_SHARE = 0.004  # of the whole: a shorter bar could not be seen
_DURATION_PIXELS = 90  # what "10 min 05 s" takes beside a bar, with some air


@dataclass(frozen=True, slots=True)
class Span:
    """One step, in seconds since the run was prepared."""

    step: str
    start: float
    end: float


def step_spans(record: MigrationRecord) -> list[Span]:
    """Return the steps in the order they ended; one that was repeated is there again."""
    spans = []
    for event in record.events:
        if event.kind == "step":
            end = (event.at - record.prepared_at).total_seconds()
            spans.append(Span(event.step or "", end - _number(event.detail["seconds"]), end))
    return spans


def both_widths(name: str, alt: str, paint: Callable[[int, Axes], None], height: int) -> str:
    """Return the chart for wide and for narrow pages; the style sheet shows one of them."""
    return "".join(
        draw_svg(f"{name}-{width}", alt, partial(paint, width), width=width, height=height)
        for width in (WIDE, NARROW)
    )


def timeline_chart(record: MigrationRecord) -> str | None:
    """Return the steps as bars over time, with a mark for each stall and failed try at locks."""
    spans = step_spans(record)
    if not spans:
        return None
    rows = list(dict.fromkeys(span.step for span in spans))
    first, last = min(0.0, spans[0].start), max(span.end for span in spans)
    whole = max(last - first, 0.001)

    def paint(width: int, axes: Axes) -> None:
        for span in spans:
            length = max(span.end - span.start, whole * _LEAST_SHARE)
            axes.barh(rows.index(span.step), length, left=span.start, height=0.5, color=AFTER)
        for step in rows:
            found = [span for span in spans if span.step == step]
            _write_duration(axes, rows.index(step), found, (first, last), width)
        for kind, marker, colour in (("stall", "D", ALERT), ("lock_retry", "x", BEFORE)):
            for row, at in _marks(record, kind, rows):
                axes.plot([at], [row + 0.38], marker=marker, color=colour, markersize=4.5)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(first - whole * 0.01, first + whole * 1.02)
        axes.grid(axis="x", color=GRID)
        _time_axis(axes, first, last, ticks=10 if width > NARROW else 4)

    alt = "the steps of the migration over time"
    return both_widths("timeline", alt, paint, 60 + 28 * len(rows))


def _write_duration(
    axes: Axes, row: int, spans: Sequence[Span], limits: tuple[float, float], width: int
) -> None:
    """Beside the bars, on a side that has room, else inside."""
    text = duration(sum(span.end - span.start for span in spans))
    start, end = min(s.start for s in spans), max(s.end for s in spans)
    needed = (limits[1] - limits[0]) * _DURATION_PIXELS / width
    place, offset, side, colour = (start + end) / 2, 0, "center", PAPER
    if end + needed < limits[1]:
        place, offset, side, colour = end, 8, "left", MUTED
    elif start - needed > limits[0]:
        place, offset, side, colour = start, -6, "right", MUTED
    axes.annotate(
        text,
        (place, row),
        xytext=(offset, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=9,
        color=colour,
    )


def _marks(record: MigrationRecord, kind: str, rows: Sequence[str]) -> Iterator[tuple[int, float]]:
    for event in record.events:
        if event.kind != kind or event.step not in rows:
            continue
        times: Any = event.detail.get("times") or [event.at.isoformat()]
        for text in times:
            at = datetime.fromisoformat(text) - record.prepared_at
            yield rows.index(event.step), at.total_seconds()


def copy_chart(record: MigrationRecord) -> str | None:
    """Return the rows a second of the copy over time."""
    if not record.copied:
        return None
    start = min(span.start for span in record.copied)
    end = max(span.end for span in record.copied)
    width = max((end - start).total_seconds() / _SLICES, 0.05)
    rates = _rates(record.copied, start, width)
    offset = (start - record.prepared_at).total_seconds()
    times = [offset + width * (number + 0.5) for number in range(len(rates))]

    def paint(wide: int, axes: Axes) -> None:
        axes.fill_between(times, rates, color=AFTER, alpha=0.25, linewidth=0)
        axes.plot(times, rates, color=AFTER, linewidth=1.4)
        axes.set_ylim(0, max(rates) * 1.1 or 1)
        axes.grid(axis="y", color=GRID)
        axes.set_ylabel("thousand rows a second")
        _time_axis(axes, times[0], times[-1], ticks=10 if wide > NARROW else 4)

    return both_widths("copy", "rows copied a second, over time", paint, 220)


def _rates(spans: Sequence[CopiedSpan], start: datetime, width: float) -> list[float]:
    """Spread each span's rows evenly over its time; thousands of rows a second."""
    last = max((span.end - start).total_seconds() for span in spans)
    rows = [0.0] * (int(last / width) + 1)
    for span in spans:
        begin, end = ((at - start).total_seconds() for at in (span.start, span.end))
        touched = range(int(begin / width), min(int(end / width), len(rows) - 1) + 1)
        for number in touched:
            inside = min(end, (number + 1) * width) - max(begin, number * width)
            part = inside / (end - begin) if end > begin else 1 / len(touched)
            rows[number] += span.rows * part
    return [count / width / 1000 for count in rows]


def commits_chart(record: ApplicationRecord) -> str:
    """Return the application's transactions a second over time, the copy and the cutover shaded."""
    rates = [count / record.slice_seconds for count in record.commits]
    times = [record.slice_seconds * (number + 0.5) for number in range(len(rates))]
    shown = [phase for phase in record.phases if phase.name in ("copy", "verify", "cutover")]

    def paint(width: int, axes: Axes) -> None:
        colours = {"copy": PLAIN, "verify": MIXED, "cutover": ALERT}
        for phase in shown:
            end = max(phase.end, phase.start + times[-1] * _LEAST_SHARE)
            axes.axvspan(phase.start, end, color=colours[phase.name], alpha=0.22, linewidth=0)
        axes.plot(times, rates, color=AFTER, linewidth=1.5)
        axes.set_ylim(0, max(rates) * 1.15 or 1)
        axes.set_xlim(0, times[-1])
        axes.grid(axis="y", color=GRID)
        axes.set_ylabel("transactions a second")
        _time_axis(axes, 0.0, times[-1], ticks=10 if width > NARROW else 4)

    return both_widths("commits", "transactions a second of the application", paint, 220)


def throttle_chart(samples: Sequence[Sequence[float]], limit_ms: float) -> str:
    """Return what a commit took while the copy ran, with the limit from which it gives way."""
    times, commits = [one[0] for one in samples], [one[1] for one in samples]

    def paint(width: int, axes: Axes) -> None:
        axes.plot(times, commits, color=AFTER, linewidth=1.3)
        axes.axhline(limit_ms, color=ALERT, linewidth=1.2, linestyle="--")
        axes.set_ylim(0, max(*commits, limit_ms) * 1.15)
        axes.grid(axis="y", color=GRID)
        axes.set_ylabel("ms for a commit")
        _time_axis(axes, 0.0, times[-1], ticks=10 if width > NARROW else 4)

    return both_widths("throttle", "commit latency while the copy ran", paint, 200)


def _time_axis(axes: Axes, first: float, last: float, ticks: int) -> None:
    from matplotlib.ticker import MaxNLocator

    unit, name = next(
        (unit, name)
        for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
        if last - first >= 3 * unit or unit == 1
    )
    values = MaxNLocator(ticks, steps=[1, 2, 5, 10]).tick_values(first / unit, last / unit)
    shown = [value for value in values if first / unit <= value <= last / unit]
    axes.set_xticks([value * unit for value in shown], [f"{value:g}" for value in shown])
    axes.set_xlabel(name)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
