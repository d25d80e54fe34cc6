"""Results files side by side, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from uuidmig.bench.comparison import Comparison, Figure, Row
from uuidmig.bench.differences import interpreter
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.units import one_line

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))

_LEGEND = (
    "\nMedians, in brackets their ratio to the first file: above 1 is slower."
    "\n~ the middle halves of the rounds overlap; ! slower than the threshold allows; - not there."
)


def comparison_table(comparison: Comparison) -> RenderableType:
    """Return one table a group of benchmarks, and below what else differs between the files."""
    return Group(*_sections(comparison))


def comparison_document(comparison: Comparison) -> dict[str, object]:
    """Return the payload of --json; lists are in the order of `files`, times in seconds."""
    return {
        "files": [
            {"path": file.path, "made_at": file.made_at, "command": file.command}
            for file in comparison.files
        ],
        "benchmarks": [_row_document(row) for row in comparison.rows],
        "differences": comparison.differences,
        "threshold_percent": comparison.threshold_percent,
        "slower": comparison.slower,
    }


def time_text(seconds: float) -> str:
    """Return a time of any size with four digits: 1.234 ms, 56.78 us."""
    unit, name = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    value = seconds / unit
    digits = max(0, 3 - max(0, len(str(int(value))) - 1))
    return f"{value:.{digits}f} {name}"


def _row_document(row: Row) -> dict[str, object]:
    found = row.figures
    return {
        "fullname": row.fullname,
        "name": row.name,
        "group": row.group,
        "medians": [figure and figure.median for figure in found],
        "ratios": [figure and figure.ratio for figure in found],
        "within_spread": [figure and figure.within_spread for figure in found],
        "not_run": row.not_run,
    }


def _sections(comparison: Comparison) -> Iterator[RenderableType]:
    names = _labels([file.path for file in comparison.files])
    labels = _with_interpreters(names, comparison)
    for group in dict.fromkeys(row.group for row in comparison.rows):
        yield heading(one_line(group or "benchmarks"))
        yield _table(comparison, labels, group)
    yield Text(_LEGEND)
    if reasons := list(_reasons(comparison, names)):
        yield heading("Not run")
        yield facts(*reasons)
    if comparison.differences:
        yield heading("What else differs")
        table = grid("", *names)
        for name, values in comparison.differences.items():
            table.add_row(one_line(name), *(one_line(value or "-") for value in values))
        yield table


def _table(comparison: Comparison, labels: Sequence[str], group: str | None) -> RenderableType:
    table = grid("benchmark", *labels)
    for column in table.columns[1:]:
        column.justify = "right"
    too_slow = {(one.fullname, one.path) for one in comparison.slower}
    for row in comparison.rows:
        if row.group == group:
            marked = [(row.fullname, file.path) in too_slow for file in comparison.files]
            cells = map(_cell, row.figures, row.not_run, marked)
            table.add_row(one_line(row.name), *cells)
    return table


def _cell(figure: Figure | None, not_run: str | None, too_slow: bool) -> Text:
    if figure is None:
        return Text("-" if not_run is None else "not run")
    if figure.ratio is None:
        return Text(time_text(figure.median))
    ratio = f"{figure.ratio:.2f}" if figure.ratio >= 0.1 else f"{figure.ratio:.2g}"
    marks = ("!" if too_slow else "") + ("~" if figure.within_spread else "")
    text = f"{time_text(figure.median)} ({ratio}{marks})"
    return Text(text, style="bold red" if too_slow else "")


def _reasons(comparison: Comparison, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each reason once a file, with the benchmarks it holds for."""
    for name, file in zip(names, comparison.files, strict=True):
        for reason in dict.fromkeys(one.reason for one in file.not_run):
            these = dict.fromkeys(one.name for one in file.not_run if one.reason == reason)
            yield name, f"{', '.join(these)}: {reason}"


def _with_interpreters(names: Sequence[str], comparison: Comparison) -> list[str]:
    """Return the files' names, with their interpreters below where it is these that differ."""
    pythons = [interpreter(file) for file in comparison.files]
    if len(set(pythons)) == 1:
        return list(names)
    return [
        f"{name}\n{one_line(python or '-')}" for name, python in zip(names, pythons, strict=True)
    ]


def _labels(paths: Sequence[str]) -> list[str]:
    """Return the files' names; whole paths where two have one name."""
    names = [Path(path).name for path in paths]
    chosen = names if len(set(names)) == len(names) else paths
    return [one_line(label) for label in chosen]
