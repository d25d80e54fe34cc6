"""Old and new keys, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType

from uuidmig.engine.find_keys import KeyPair
from uuidmig.report.layout import grid
from uuidmig.report.units import one_line


def lookup_table(pairs: Sequence[KeyPair]) -> RenderableType:
    """Return one line a pair."""
    table = grid("table", "old", "new")
    for pair in pairs:
        table.add_row(one_line(str(pair.table)), str(pair.old), str(pair.new))
    return table
