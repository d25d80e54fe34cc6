"""Rewrite and default-only side by side, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from uuidmig.planner.model import DEFAULT_ONLY, IndexOutlook, Plan, StrategyOutlook
from uuidmig.report.layout import grid, heading
from uuidmig.report.units import counted, duration, one_line, size

_SCATTERED = (
    "Version 7 keys do not help these indexes: they start with another column, so new keys land at "
    "the end of each of its values and leave pages about 50 % full; random keys, about 70 %"
)
_FOLLOWS = (
    "These indexes start with a reference. After a rewrite their new pages are 90 % full where "
    "rows soon follow the row they reference, about 50 % where that lives long (a tenant); about "
    "50 % with default-only"
)


def strategies_sections(plan: Plan) -> Iterator[RenderableType]:
    """Yield the comparison, and the indexes for which version 7 keys do little, by name."""
    if not plan.strategies:
        return
    yield heading("Strategies")
    yield _comparison(plan)
    first = plan.strategies[0]
    yield from _named(_SCATTERED, [index for index in first.indexes if index.place == "scattered"])
    yield from _named(_FOLLOWS, [i for i in first.indexes if i.place == "follows-parent"])


def _comparison(plan: Plan) -> Table:
    titles = [
        outlook.strategy + (" (this plan)" if outlook.strategy == plan.options.strategy else "")
        for outlook in plan.strategies
    ]
    table = grid("", *titles)
    columns = [_facts(outlook) for outlook in plan.strategies]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _facts(outlook: StrategyOutlook) -> dict[str, str]:
    stay = outlook.strategy == DEFAULT_ONLY
    return {
        "present keys": "stay as they are" if stay else "become version 7",
        "defaults changed": counted(outlook.columns, "column"),
        "extra disk": f"{size(outlook.disk_bytes)} at the peak",
        "WAL": size(outlook.wal_bytes),
        "time": f"about {duration(outlook.seconds)}",
        "longest lock": f"about {outlook.lock_ms:.0f} ms, and its wait",
        "index pages": _pages(outlook.indexes),
        "index a new key": _growth(outlook.indexes),
        "stands against it": _refusals(outlook.refusals),
    }


def _refusals(number: int) -> str:
    if not number:
        return "nothing in the catalog"
    return "1 refusal" if number == 1 else f"{number} refusals"


def _pages(indexes: Sequence[IndexOutlook]) -> str:
    places = {index.place for index in indexes}
    if "rightmost" in places:
        return "new ones 90 % full: new keys come last"
    if "middle" in places:
        return "new ones about 50 % full, for good: new keys land among the random ones"
    return "see below" if places else "-"


def _growth(indexes: Sequence[IndexOutlook]) -> str:
    growth = {index.bytes_a_key for index in indexes if index.bytes_a_key is not None}
    return f"{max(growth):.1f} bytes" if growth else "-"


def _named(words: str, indexes: Sequence[IndexOutlook]) -> Iterator[RenderableType]:
    if not indexes:
        return
    yield Text(f"\n{words}:")
    for index in indexes:
        columns = ", ".join(column or "an expression" for column in index.columns)
        yield Padding(Text(one_line(f"{index.index} ({columns}), of {index.table}")), (0, 0, 0, 3))
