"""The verdict of a report: one paragraph of plain sentences, nothing that was not measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from uuidmig.bench.measurement import InsertProbe, Measurement
from uuidmig.engine.migration_record import MigrationRecord
from uuidmig.report.html import figures
from uuidmig.report.html.model import ReportDocument
from uuidmig.report.html.run_charts import step_spans
from uuidmig.report.units import count, counted, duration, size

_STATES = {
    "validated": "The migration is through: the new keys are in place.",
    "cutover": "The new keys are in place; foreign keys are still being validated.",
    "switched": "New rows get uuid7 keys; the keys that were there are unchanged.",
    "rolled_back": "The migration was rolled back: the old keys are live.",
    "verify_failed": "Verification found differences: nothing was switched.",
}


def verdict(report: ReportDocument) -> str:
    """Return the paragraph."""
    return " ".join(_sentences(report))


def _sentences(report: ReportDocument) -> Iterator[str]:
    if report.migration is not None:
        yield from _run(report.migration)
    if report.application is not None:
        told = report.application
        yield (
            f"Meanwhile {told.writers} writers committed {count(told.transactions)} transactions,"
            f" with {count(told.errors)} errors and {count(told.differences)} rows that were not"
            " as their writer left them."
        )
    before, after = report.measurement("before"), report.measurement("after")
    if before is not None and after is not None:
        yield from _indexes(before, after)
        yield from _probes(report)
    elif report.migration is not None:
        yield _unmeasured(before)
    if report.bench is not None:
        yield from _bench(report.bench)


def _run(record: MigrationRecord) -> Iterator[str]:
    state = f"The migration is not through yet: its state is {record.state}."
    yield _STATES.get(record.state, state)
    rows, spans = sum(table.rows for table in record.tables), step_spans(record)
    if rows and spans:
        seconds = sum(span.end - span.start for span in spans)
        yield (
            f"It copied {counted(rows, 'row')} of {counted(len(record.tables), 'table')};"
            f" its steps took {duration(seconds)}."
        )
    if record.switched:
        yield f"It changed the default of {counted(len(record.switched), 'column')}."
    if stalls := [event for event in record.events if event.kind == "stall"]:
        longest = max(float(str(event.detail["ms"])) for event in stalls)
        yield f"Writers waited for its locks {duration(longest / 1000)} at most."


def _indexes(before: Measurement, after: Measurement) -> Iterator[str]:
    old, new = figures.index_bytes(before), figures.index_bytes(after)
    change = _change(old, new)
    yield f"The indexes of uuid columns take {size(new)}, {change} the {size(old)} of before;"
    density = figures.density(before), figures.density(after)
    if density[0] is not None and density[1] is not None:
        yield f"their leaf pages are {density[1]:.0f} % full, {density[0]:.0f} % before."
        yield (
            "Any rebuild of an index does as much for a while; what lasts is how full new keys"
            " leave their pages."
        )
    else:
        yield "their density was not measured."


def _change(old: int, new: int) -> str:
    if not old or round(100 * abs(new - old) / old) == 0:
        return "the same as"
    return f"{100 * abs(new - old) / old:.0f} % {'less' if new < old else 'more'} than"


def _probes(report: ReportDocument) -> Iterator[str]:
    pairs = report.probes()
    if not pairs:
        yield "No insert probe could be run both before and after."
        return
    ratios = sorted(after.rows_per_second / before.rows_per_second for before, after in pairs)
    yield (
        "In a short insert probe in memory new rows went in at"
        f" {_span(ratios, '.2f')} times the rate (medians of the batches, by table)"
        f"{_also(pairs, figures.wal_a_row, ', with', 'bytes of WAL a row')}"
        f"{_also(pairs, lambda probe: probe.leaf_density, ', and left the key indexes', '% full')}."
    )
    if ratios[0] < 1:
        yield "For some table that is no gain in speed; see how it was measured."


def _also(
    pairs: Sequence[tuple[InsertProbe, InsertProbe]],
    figure: Callable[[InsertProbe], float | None],
    words: str,
    unit: str,
) -> str:
    """The figure of all probes after and before; nothing where one of them lacks it."""
    found = [(figure(before), figure(after)) for before, after in pairs]
    before = sorted(old for old, _ in found if old is not None)
    after = sorted(new for _, new in found if new is not None)
    if len(before) < len(pairs) or len(after) < len(pairs):
        return ""
    return f"{words} {_span(after, '.0f')} against {_span(before, '.0f')} {unit}"


def _span(ordered: Sequence[float], form: str) -> str:
    low, high = format(ordered[0], form), format(ordered[-1], form)
    return low if low == high else f"{low} to {high}"


def _unmeasured(before: Measurement | None) -> str:
    if before is not None:
        return "There is a measurement from before the cutover, and none from after it."
    return (
        "Indexes and inserts were not measured: `uuidmig migrate --measure` does that, or"
        " `uuidmig bench index` before and after the cutover."
    )


def _bench(bench: Mapping[str, Any]) -> Iterator[str]:
    ratios = bench.get("ratios") or {}
    rate = _median(ratios.get("rows_per_second_uuid7_to_uuid4"))
    wal = _median(ratios.get("wal_per_row_uuid4_to_uuid7"))
    if rate is not None:
        yield f"In the insert benchmark uuid7 took {rate:.2f} times as many rows a second as uuid4"
        yield "." if wal is None else f"and uuid4 wrote {wal:.2f} times the WAL a row of uuid7."


def _median(value: object) -> float | None:
    if isinstance(value, Mapping):
        value = value.get("median")
    return float(value) if isinstance(value, int | float) else None
