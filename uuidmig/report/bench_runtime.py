"""What an interpreter took for the suite, for people."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table

from uuidmig.bench.results import Result, benchmark_name
from uuidmig.bench.runtime.model import NotRun, RuntimeReport
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.runtime import build_text, gil_text
from uuidmig.report.units import one_line

_FIGURES = ("Mean", "Std", "P95", "Ops/sec")


def runtime_report(report: RuntimeReport) -> RenderableType:
    """Return what was measured with, then a table a group; mean, deviation and P95 in ms."""
    return Group(*_sections(report))


def _sections(report: RuntimeReport) -> Iterator[RenderableType]:
    yield _header(report)
    for group in dict.fromkeys(one.group for one in report.outcomes):
        yield heading(f"{one_line(group)} (ms)")
        if measured := [one for one in report.results if one.group == group]:
            yield _table(measured)
        if missing := [one for one in report.not_run if one.group == group]:
            yield facts(*((_name(one), f"not run: {one.reason}") for one in missing))


def _name(one: Result | NotRun) -> str:
    return one_line(benchmark_name(one.name, one.params))


def _header(report: RuntimeReport) -> RenderableType:
    info = report.info
    features = ", ".join(f"{name} {'YES' if yes else 'NO'}" for name, yes in info.features.items())
    libraries = ", ".join(f"{name} {text}" for name, text in report.libraries.items() if text)
    return facts(
        ("python", f"{info.implementation} {info.version}"),
        ("build", build_text(info)),
        ("GIL after imports", gil_text(info)),
        ("features", features),
        ("work of Python code", report.pool),
        ("libraries", libraries),
        ("server", f"PostgreSQL {report.server_version}" if report.server_version else "none"),
        ("platform", f"{info.platform}, {info.cores} cores"),
        ("iterations", str(report.iterations)),
    )


def _table(results: list[Result]) -> Table:
    table = grid("Name", *_FIGURES)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in results:
        table.add_row(_name(one), *_figures(one))
    return table


def _figures(result: Result) -> tuple[str, ...]:
    rounds = result.rounds
    mean = statistics.mean(rounds)
    deviation = statistics.stdev(rounds) if len(rounds) > 1 else 0.0
    p95 = result.extra["p95"]
    assert isinstance(p95, float)
    times = tuple(f"{1000 * seconds:.3f}" for seconds in (mean, deviation, p95))
    return (*times, f"{1 / mean:,.1f}" if mean else "-")
