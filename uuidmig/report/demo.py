"""What the demo showed: before and after, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType

from uuidmig.demo.run import DemoReport
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.units import count, duration, one_line, share, size

_LINES_SHOWN = 10


def demo_document(report: DemoReport) -> dict[str, object]:
    """Return the payload of `demo --json`; pass it to `report.document.document`."""
    before, after = report.before, report.after
    return {
        "rows_loaded": report.rows_loaded,
        "rows_migrated": report.rows_migrated,
        "seconds": round(report.seconds, 3),
        "writers": report.writers,
        "transactions": report.transactions,
        "application_errors": len(report.application_errors),
        "errors": report.application_errors,
        "differences": report.differences,
        "longest_stall_ms": report.longest_stall_ms,
        "stall_at_verify_ms": report.stall_at_verify_ms,
        "stall_at_cutover_ms": report.stall_at_cutover_ms,
        "p99_before_ms": report.p99_before_ms,
        "p99_during_ms": report.p99_during_ms,
        "keys_before": before.keys,
        "keys_after": after.keys,
        "table_bytes_before": before.table_bytes,
        "table_bytes_after": after.table_bytes,
        "index_bytes_before": {name: one.bytes for name, one in before.indexes.items()},
        "index_bytes_after": {name: one.bytes for name, one in after.indexes.items()},
        "density_before": {name: one.leaf_density for name, one in before.indexes.items()},
        "density_after": {name: one.leaf_density for name, one in after.indexes.items()},
        "fragmentation_before": {
            name: one.leaf_fragmentation for name, one in before.indexes.items()
        },
        "fragmentation_after": {
            name: one.leaf_fragmentation for name, one in after.indexes.items()
        },
        "unavailable": _unavailable(report),
    }


def demo_table(report: DemoReport) -> RenderableType:
    """Return before and after: keys and sizes by table, every uuid index, what writers felt."""
    return Group(*_sections(report))


def _sections(report: DemoReport) -> Iterator[RenderableType]:
    yield heading("Keys and tables, before and after")
    yield _tables(report)
    yield heading("Indexes of uuid columns, before and after")
    yield _indexes(report)
    unavailable = _unavailable(report)
    if unavailable:
        yield facts(("not measured", unavailable))
    yield heading("The migration")
    yield facts(*_migration(report))
    yield heading("What the writers felt")
    yield facts(*_writers(report))
    for title, lines in (
        ("Errors of the application", report.application_errors),
        ("Rows that are not as their writer left them", report.differences),
    ):
        if lines:
            yield heading(title, "red")
            yield facts(*(("", line) for line in lines[:_LINES_SHOWN]))


def _tables(report: DemoReport) -> RenderableType:
    table = grid("table", "uuid4 keys", "uuid7 keys", "size")
    for name, before in report.before.keys.items():
        after = report.after.keys[name]
        table.add_row(
            one_line(name),
            _change(share(before.v4, before.total), share(after.v4, after.total)),
            _change(share(before.v7, before.total), share(after.v7, after.total)),
            _change(size(report.before.table_bytes[name]), size(report.after.table_bytes[name])),
        )
    return table


def _indexes(report: DemoReport) -> RenderableType:
    table = grid("index", "size", "leaf density %", "fragmentation %")
    for name, before in report.before.indexes.items():
        after = report.after.indexes.get(name)
        if after is not None:
            table.add_row(
                one_line(name),
                _change(size(before.bytes), size(after.bytes)),
                _change(_figure(before.leaf_density), _figure(after.leaf_density)),
                _change(_figure(before.leaf_fragmentation), _figure(after.leaf_fragmentation)),
            )
    return table


def _migration(report: DemoReport) -> Iterator[tuple[str, str]]:
    yield "rows", f"{count(report.rows_migrated)} in {duration(report.seconds)}"


def _writers(report: DemoReport) -> Iterator[tuple[str, str]]:
    yield "writers", f"{report.writers}, {count(report.transactions)} transactions"
    yield "errors", count(len(report.application_errors))
    yield "their rows", "all as they left them" if not report.differences else "NOT as left"
    yield "longest stall", _milliseconds(report.longest_stall_ms)
    yield "at verify", _milliseconds(report.stall_at_verify_ms)
    yield "at cutover", _milliseconds(report.stall_at_cutover_ms)
    before, during = _milliseconds(report.p99_before_ms), _milliseconds(report.p99_during_ms)
    yield "p99 of statements", f"{before} before, {during} during the copy"


def _unavailable(report: DemoReport) -> str | None:
    reasons = {one.unavailable for one in report.before.indexes.values() if one.unavailable}
    return "; ".join(sorted(reasons)) or None


def _change(before: str, after: str) -> str:
    return f"{before:>8} -> {after}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"
