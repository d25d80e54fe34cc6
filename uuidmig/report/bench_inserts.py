"""What a run of `bench inserts` found, for people: medians with spread, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from uuidmig.bench.inserts.ratios import BASE, Spread, new_page_density, of_kind, ratios, spread
from uuidmig.bench.inserts.regime import memory_shares, regime
from uuidmig.bench.inserts.run import BenchReport
from uuidmig.bench.inserts.turn import Turn
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.units import count, duration, one_line, size

_REGIMES = {
    "shared_buffers": "every index fits in shared_buffers",
    "memory": "an index does not fit in shared_buffers, but in memory",
    "larger-than-memory": "an index does not fit in memory",
    "unknown": "an index does not fit in shared_buffers; the server's memory is not known",
}


def bench_table(report: BenchReport) -> RenderableType:
    """Return speed, indexes and ratios by kind of key, and the conditions of the run."""
    return Group(*_sections(report))


def _sections(report: BenchReport) -> Iterator[RenderableType]:
    yield heading("Inserts: median of the rounds (least - most)")
    yield _speed(report)
    yield heading("Index of the primary key after the last round")
    yield _indexes(report)
    yield heading(f"Compared with {BASE}, each round for itself: median (least - most)")
    yield _ratios(report)
    yield heading("Conditions")
    yield facts(*_conditions(report))
    for note in _notes(report):
        yield Text(f"\n{note}")


def _speed(report: BenchReport) -> RenderableType:
    table = grid("keys", "rows/s", "batch p50 ms", "p99 ms", "max ms", "WAL B/row", "FPI/1000 rows")
    _right(table, 6)
    for kind in report.spec.kinds:
        turns = of_kind(report.turns, kind.name)
        table.add_row(
            kind.name,
            _spread(spread([turn.rows_per_second for turn in turns]), count),
            _spread(spread([turn.p50_ms for turn in turns]), _two),
            _spread(spread([turn.p99_ms for turn in turns]), _two),
            f"{max(turn.max_ms for turn in turns):.0f}",
            _spread(spread([turn.wal_per_row for turn in turns]), count),
            _spread(spread(_images(turns)), _two),
        )
    return table


def _images(turns: Sequence[Turn]) -> list[float]:
    images = [(turn.growth["full_page_images"], turn.rows) for turn in turns]
    return [1000 * number / rows for number, rows in images if number is not None]


def _indexes(report: BenchReport) -> RenderableType:
    table = grid(
        "keys",
        "size",
        "B/new row",
        "density",
        "new pages",
        "fragmentation",
        "index : buffers : RAM",
    )
    _right(table, 6)
    shares = memory_shares(report)
    density = new_page_density(report.turns)
    for kind in report.spec.kinds:
        turns = of_kind(report.turns, kind.name)
        last = turns[-1]
        grown = sum(turn.growth["index_bytes"] or 0 for turn in turns)
        share = shares[kind.name]
        table.add_row(
            kind.name,
            size(last.index_bytes),
            f"{grown / sum(turn.rows for turn in turns):.1f}",
            _percent(last.pages.leaf_density),
            _percent(density[kind.name]),
            _percent(last.pages.leaf_fragmentation),
            " : ".join(
                "?" if value is None else size(value)
                for value in (
                    share["index_bytes"],
                    share["shared_buffers_bytes"],
                    share["memory_bytes"],
                )
            ),
        )
    return table


def _ratios(report: BenchReport) -> RenderableType:
    table = grid("keys", "times the rows/s", f"WAL a row of {BASE} is")
    _right(table, 2)
    found = ratios(report.turns)
    for kind in report.spec.kinds:
        rows = found.get(f"rows_per_second_{kind.name}_to_{BASE}")
        wal = found.get(f"wal_per_row_{BASE}_to_{kind.name}")
        if rows is not None:
            table.add_row(kind.name, _spread(rows, _times), _spread(wal, _times))
    if not table.rows:
        return Text("nothing to compare: give --kinds two kinds, uuid4 one of them")
    return table


def _conditions(report: BenchReport) -> Iterator[tuple[str, str]]:
    spec, around = report.spec, report.surroundings
    grown = "grown by inserts" if spec.grown else "freshly built"
    yield "server", f"PostgreSQL {around.version} ({around.server})"
    yield "memory", _REGIMES[regime(report)]
    yield "table", f"{one_line(spec.shape.name)}, {count(report.loaded_rows)} rows loaded, {grown}"
    yield (
        "inserts",
        f"{spec.clients} clients, {'COPY' if spec.copy else 'INSERT'} of {count(spec.batch)} rows,"
        f" keys by {spec.keys}",
    )
    yield "rounds", f"{spec.rounds} of {duration(spec.seconds)} for each kind, shuffled"
    made = report.generators
    yield (
        "making a key",
        ", ".join(
            f"{name} {figures[spec.keys] or figures['server'] or 0:.2f}"
            for name, figures in made.items()
        )
        + " microseconds"
        + (" (within the time of inserts)" if spec.keys == "server" else " (before the clock)"),
    )


def _notes(report: BenchReport) -> Iterator[str]:
    if not report.checkpoints:
        yield (
            "No checkpoints before turns: this role may not (GRANT pg_checkpoint)."
            " WAL a row depends on how long ago the last one was."
        )
    if any(turn.pages.new_page_density is None for turn in report.turns):
        yield "-: not measured: that needs the extensions pgstattuple and pageinspect."
    for text in report.spec.shape.left_out:
        yield f"Not as in your table: {one_line(text)}"


def _spread(figures: Spread | None, shown: Callable[[float], str]) -> str:
    if figures is None:
        return "-"
    return f"{shown(figures.median)} ({shown(figures.min)} - {shown(figures.max)})"


def _two(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _times(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"


def _right(table: Table, columns: int) -> None:
    for number in range(1, columns + 1):
        table.columns[number].justify = "right"
