"""Charts of a document of `uuidmig bench inserts --json`; what it lacks is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from uuidmig.report.html.insert_charts import grouped_bars
from uuidmig.report.html.svg import AFTER, BEFORE, MIXED, PLAIN
from uuidmig.report.html.tables import html_table

_COLOURS = {"uuid4": BEFORE, "uuid7": AFTER, "mixed": MIXED, "bigint": PLAIN}


def bench_parts(bench: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (caption, chart): rows a second, WAL a row, latency, density; a bar a kind of key."""
    for figure, label in (
        ("rows_per_second", "rows a second"),
        ("wal_bytes_per_row", "WAL bytes a row"),
    ):
        found = [
            (_kind(benchmark), value)
            for benchmark in _benchmarks(bench)
            if (value := _value(_extra(benchmark).get(figure))) is not None
        ]
        if found:
            yield f"Insert benchmark: {label}, medians of the rounds", _bars(figure, label, found)
    yield from _latency(bench)
    density = bench.get("new_page_density")
    if isinstance(density, Mapping):
        found = [(str(name), value) for name, one in density.items() if (value := _value(one))]
        if found:
            label = "density of new pages, percent"
            yield f"Insert benchmark: {label}", _bars("density", label, found)


def _latency(bench: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The percentiles of each kind: a series each, so that tails stand side by side."""
    shown = ("p50_ms", "p95_ms", "p99_ms")
    found = [(_kind(one), [_of_turns(one, name) for name in shown]) for one in _benchmarks(bench)]
    complete = [
        (kind, [value for value in values if value is not None])
        for kind, values in found
        if None not in values
    ]
    if len(complete) > 1:
        chart = grouped_bars(
            "bench-latency",
            "latency of a batch by kind of key",
            "ms a batch",
            [name.removesuffix("_ms") for name in shown],
            [values for _, values in complete],
            colours=[_COLOURS.get(kind, PLAIN) for kind, _ in complete],
        )
        kinds = ", ".join(kind for kind, _ in complete)
        yield f"Insert benchmark: latency of a batch, bars in the order {kinds}", chart


def bench_table(bench: Mapping[str, Any]) -> str:
    """Return the ratios of the document."""
    ratios = bench.get("ratios")
    if not isinstance(ratios, Mapping):
        return ""
    rows = [
        [str(name).replace("_", " "), f"{value:.2f}"]
        for name, one in ratios.items()
        if (value := _value(one)) is not None
    ]
    return html_table(["ratio", "median"], rows) if rows else ""


def _bars(name: str, label: str, found: Sequence[tuple[str, float]]) -> str:
    return grouped_bars(
        f"bench-{name}",
        label,
        label,
        [kind for kind, _ in found],
        [[value for _, value in found]],
        colours=[_COLOURS.get(kind, PLAIN) for kind, _ in found],
    )


def _benchmarks(bench: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = bench.get("benchmarks")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _kind(benchmark: Mapping[str, Any]) -> str:
    """The name without its parameters: uuid4[preload=…] is uuid4."""
    return str(benchmark.get("name", "?")).partition("[")[0]


def _extra(benchmark: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = benchmark.get("extra_info")
    return extra if isinstance(extra, Mapping) else {}


def _of_turns(benchmark: Mapping[str, Any], figure: str) -> float | None:
    turns = _extra(benchmark).get("turns")
    values = [_value(turn.get(figure)) for turn in turns or () if isinstance(turn, Mapping)]
    found = [value for value in values if value is not None]
    return median(found) if found else None


def _value(value: object) -> float | None:
    """A figure may be a number or a summary with a median."""
    if isinstance(value, Mapping):
        value = value.get("median")
    return float(value) if isinstance(value, int | float) else None
