"""Tables of a report as HTML. Whatever comes from the database is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape

from uuidmig.bench.index_health import IndexHealth
from uuidmig.bench.measurement import Measurement, percentile
from uuidmig.demo.application import ApplicationRecord
from uuidmig.engine.migration_record import MigrationRecord
from uuidmig.report.html import figures
from uuidmig.report.html.index_charts import biggest
from uuidmig.report.html.model import ReportDocument
from uuidmig.report.html.run_charts import step_spans
from uuidmig.report.units import count, duration, size

_NOTHING = "-"


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are figures. Cells are escaped."""
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{table}</div>'


def before_after_table(report: ReportDocument) -> str:
    """Return the figures of the whole, a column a measurement."""
    measured = report.measured
    rows = [[name, *(cell(one) for one in measured)] for name, cell in _WHOLE]
    return html_table(["", *(one.stage for one in measured)], rows)


def probe_table(report: ReportDocument) -> str:
    """Return what the insert probes found, two rows a table. Empty without a pair of them."""
    rows = [
        [
            f"{probe.table}, {stage}",
            f"uuid{probe.key_version}",
            count(probe.rows_per_second),
            *(_ms(percentile(probe.batch_ms, share)) for share in (0.5, 0.95, 0.99)),
            _figure(figures.wal_a_row(probe), ""),
            _figure(probe.leaf_density, " %"),
        ]
        for pair in report.probes()
        for stage, probe in zip(("before", "after"), pair, strict=True)
    ]
    head = ["insert probe", "keys", "rows/s", "p50 ms", "p95 ms", "p99 ms", "WAL B/row", "density"]
    return html_table(head, rows) if rows else ""


def _keys(measurement: Measurement) -> str:
    found = figures.keys(measurement)
    if found is None:
        return _NOTHING
    names = ("uuid4", "uuid7", "other")
    shown = [f"{count(n)} {name}" for n, name in zip(found, names, strict=True) if n]
    return ", ".join(shown) or "0"


_WHOLE: tuple[tuple[str, Callable[[Measurement], str]], ...] = (
    ("keys", _keys),
    ("indexes of uuid columns", lambda one: size(figures.index_bytes(one))),
    ("tables with all indexes", lambda one: size(figures.table_bytes(one))),
    ("leaf density", lambda one: _figure(figures.density(one), " %")),
    ("leaf fragmentation", lambda one: _figure(figures.fragmentation(one), " %")),
)


def index_table(report: ReportDocument) -> str:
    """Return every index with its size, density and fragmentation in each measurement."""
    stages = [one.stage for one in report.measured]
    head = ["index"]
    for figure in ("size", "density", "fragmentation"):
        head += [f"{figure} {stage}" for stage in stages]
    rows = []
    for name, found in biggest(report.measured):
        cells = [_cell(one, lambda index: size(index.bytes)) for one in found]
        cells += [_cell(one, lambda index: _figure(index.leaf_density, " %")) for one in found]
        cells += [
            _cell(one, lambda index: _figure(index.leaf_fragmentation, " %")) for one in found
        ]
        rows.append([name, *cells])
    return html_table(head, rows)


def _cell(index: IndexHealth | None, text: Callable[[IndexHealth], str]) -> str:
    return _NOTHING if index is None else text(index)


def steps_table(record: MigrationRecord) -> str:
    """Return the steps with how long each took, held writers up and waited for locks."""
    rows = []
    for step in dict.fromkeys(_steps(record)):
        spans = [span for span in step_spans(record) if span.step == step]
        took = duration(sum(span.end - span.start for span in spans)) if spans else _NOTHING
        stalls = [
            _number(e.detail["ms"]) for e in record.events if (e.kind, e.step) == ("stall", step)
        ]
        tries = _count(record, "lock_retry", step)
        waits = _count(record, "waiting", step)
        stall = duration(max(stalls) / 1000) if stalls else _NOTHING
        rows.append([step, took, stall, tries, waits])
    head = ["step", "took", "writers waited at most", "failed tries at locks", "times it held back"]
    return html_table(head, rows)


def _steps(record: MigrationRecord) -> Iterator[str]:
    yield from (event.step for event in record.events if event.step)


def _count(record: MigrationRecord, kind: str, step: str) -> str:
    found = [e.detail["count"] for e in record.events if (e.kind, e.step) == (kind, step)]
    return count(sum(map(_number, found)))


def phases_table(record: ApplicationRecord) -> str:
    """Return what statements of the application took, a row a phase of the demo."""
    rows = [
        [
            phase.name,
            count(phase.statements),
            *(_ms(one) for one in (phase.p50_ms, phase.p95_ms, phase.p99_ms, phase.max_ms)),
        ]
        for phase in record.phases
        if phase.statements
    ]
    head = ["phase", "statements", "p50 ms", "p95 ms", "p99 ms", "max ms"]
    return html_table(head, rows)


def settings_table(report: ReportDocument) -> str:
    """Return versions and settings of the server, as the last measurement found them."""
    rows = [["uuidmig", report.tool_version]]
    if (record := report.migration) is not None:
        rows += [
            ["database", record.database],
            ["strategy", record.strategy],
            ["state", record.state],
            ["plan", record.plan_hash[:12]],
        ]
    if report.measured:
        last = report.measured[-1]
        rows += [["PostgreSQL", last.server_version], *([*pair] for pair in last.settings)]
    return html_table(["setting", "value"], rows)


def _figure(value: float | None, unit: str) -> str:
    return _NOTHING if value is None else f"{value:.1f}{unit}"


def _ms(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
