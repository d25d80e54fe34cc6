"""The sections of the page, each with its heading; one without anything to show is left out."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from uuidmig.engine.migration_record import MigrationRecord
from uuidmig.report.html import bench_charts, index_charts, insert_charts, run_charts, tables
from uuidmig.report.html.model import ReportDocument
from uuidmig.report.units import count, duration

_PROBE = (
    "The insert probe copies the first rows of a table into a table of its own, with the same"
    " indexes on uuid columns, then inserts 1,000 rows at a time, and rolls all of it back. It is"
    " small and lies in memory, without a checkpoint on the way: there are no reads from disk and"
    " hardly a full-page image, which is where random keys cost most. Making the keys is not on the"
    " clock. Rows a second are those of the median batch; the density is that of the key's index,"
    " grown by these inserts."
)


def sections(report: ReportDocument) -> Iterator[str]:
    """Yield the sections in order, as HTML."""
    for title, parts in (
        ("Before and after", _before_after(report)),
        ("The run", _run(report)),
        ("What the application felt", _application(report)),
        ("Throughput and latency of inserts", _inserts(report)),
        ("Density and fragmentation", _density(report)),
        ("Page fill by key version", _page_fill(report)),
        ("Giving way", _throttling(report)),
        ("Insert benchmark", _bench(report)),
        ("What was not measured", _missing(report)),
        ("Environment and settings", [tables.settings_table(report)]),
    ):
        shown = [part for part in parts if part]
        if shown:
            yield f"<section><h2>{escape(title)}</h2>{''.join(shown)}</section>"


def figure(caption: str, chart: str | None, *, both: bool = False) -> str:
    """Return a chart with its caption, empty without a chart. The caption is escaped."""
    if not chart:
        return ""
    kind = ' class="both"' if both else ""
    return f"<figure{kind}>{chart}<figcaption>{escape(caption)}</figcaption></figure>"


def legend(*entries: tuple[str, str]) -> str:
    """Return a line of (colour, meaning)."""
    keys = "".join(f'<span class="key {colour}"></span>{escape(text)}' for colour, text in entries)
    return f'<p class="note">{keys}</p>'


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _charts(*figures: str) -> str:
    shown = "".join(figures)
    return f'<div class="charts">{shown}</div>' if shown else ""


_STAGES = legend(("before", "before"), ("after", "after"))


def _before_after(report: ReportDocument) -> Iterator[str]:
    if not report.measured:
        return
    yield tables.before_after_table(report)
    if pairs := report.probes():
        yield tables.probe_table(report)
        yield _note(_PROBE)
        made = dict.fromkeys(f"{one.table}: {one.generator}" for pair in pairs for one in pair)
        yield _note(f"What makes the keys: {'; '.join(made)}.")


def _run(report: ReportDocument) -> Iterator[str]:
    record = report.migration
    if record is None:
        return
    chart = run_charts.timeline_chart(record)
    if chart:
        yield legend(
            ("after", "a step"),
            ("alert", "writers waited (diamond)"),
            ("before", "locks not obtained (cross)"),
        )
    yield figure("Steps of the migration since it was prepared.", chart, both=True)
    if chart:
        yield tables.steps_table(record)
    copied = run_charts.copy_chart(record)
    yield figure("Rows copied a second, by all workers.", copied, both=True)
    if record.tables:
        rows = [[one.table, count(one.rows)] for one in record.tables]
        yield tables.html_table(["table", "rows copied"], rows)
    if record.switched:
        yield tables.html_table(["default changed"], [[column] for column in record.switched])


def _application(report: ReportDocument) -> Iterator[str]:
    if (record := report.application) is None:
        return
    yield legend(
        ("after", "transactions"), ("plain", "copy"), ("mixed", "verify"), ("alert", "cutover")
    )
    yield figure(
        f"Transactions a second of {record.writers} writers.",
        run_charts.commits_chart(record),
        both=True,
    )
    yield _note("Statements of the application, by the step that ran meanwhile:")
    yield tables.phases_table(record)


def _inserts(report: ReportDocument) -> Iterator[str]:
    if not report.probes():
        return
    yield _STAGES
    yield _charts(
        *(
            figure("Insert probe: throughput.", c)
            for c in insert_charts.probe_throughput_charts(report)
        ),
        *(
            figure("Insert probe: latency of a batch.", c)
            for c in insert_charts.probe_latency_charts(report)
        ),
        figure("Insert probe: WAL a row.", insert_charts.wal_chart(report)),
    )


def _density(report: ReportDocument) -> Iterator[str]:
    if not report.measured:
        return
    charts = _charts(
        figure("Share of leaf pages in use.", index_charts.density_chart(report)),
        figure(
            "Leaf pages whose successor does not follow on disk.",
            index_charts.fragmentation_chart(report),
        ),
    )
    if charts:
        yield _STAGES
        yield charts
    yield tables.index_table(report)


def _page_fill(report: ReportDocument) -> Iterator[str]:
    charts = [
        figure("Leaf pages by how full they are.", one)
        for one in index_charts.page_fill_charts(report)
    ]
    if charts:
        yield legend(("before", "uuid4 only"), ("mixed", "both versions"), ("after", "uuid7 only"))
        yield _charts(*charts)


def _throttling(report: ReportDocument) -> Iterator[str]:
    if report.migration is None:
        return
    for detail in _throttles(report.migration):
        rested = duration(float(detail["rested_seconds"]))
        yield _note(
            f"A commit took {detail['base_ms']:.2f} ms before the copy; above"
            f" {detail['limit_ms']:.2f} ms (dashed) its workers rest longer. They rested {rested}"
            " in all."
        )
        if len(samples := detail["samples"]) > 1:
            chart = run_charts.throttle_chart(samples, float(detail["limit_ms"]))
            yield figure("What a commit took while the copy ran.", chart, both=True)
        else:
            yield _note("Nobody else was at work: the copy ran at full speed.")


def _throttles(record: MigrationRecord) -> list[dict[str, Any]]:
    """The last copy's: a run that was interrupted has one for each."""
    found = [dict(event.detail) for event in record.events if event.kind == "throttle"]
    return found[-1:]


def _bench(report: ReportDocument) -> Iterator[str]:
    if report.bench is None:
        return
    yield legend(("before", "uuid4"), ("after", "uuid7"), ("mixed", "mixed"), ("plain", "others"))
    yield _charts(*(figure(text, chart) for text, chart in bench_charts.bench_parts(report.bench)))
    yield bench_charts.bench_table(report.bench)


def _missing(report: ReportDocument) -> Iterator[str]:
    lines = list(dict.fromkeys(line for one in report.measured for line in one.missing))
    if lines:
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
