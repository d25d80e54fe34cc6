"""How uuid indexes are, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from uuidmig.bench.index_health import IndexHealth
from uuidmig.report.layout import grid
from uuidmig.report.plan_words import describe_keys
from uuidmig.report.units import one_line, size


def index_health_table(indexes: Sequence[IndexHealth]) -> RenderableType:
    """Return a table of all indexes, and below it why figures are missing."""
    if not indexes:
        return Text("no B-tree index of a uuid column")
    table = grid("index", "column", "size", "density", "fragmentation", "keys")
    for column in (2, 3, 4):
        table.columns[column].justify = "right"
    for index in indexes:
        table.add_row(
            one_line(f"{index.table.schema}.{index.index}"),
            one_line(index.column),
            size(index.bytes),
            _percent(index.leaf_density),
            _percent(index.leaf_fragmentation),
            "not readable" if index.keys is None else describe_keys(index.keys),
        )
    return Group(table, *_reasons(indexes))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"


def _reasons(indexes: Sequence[IndexHealth]) -> Iterator[RenderableType]:
    reasons = dict.fromkeys(index.unavailable for index in indexes if index.unavailable)
    for reason in reasons:
        yield Text(f"\n-: {reason}")
