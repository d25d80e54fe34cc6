"""The few shapes all reports for people are made of: headings, facts, grids, the next commands.

Plain ASCII, nothing is cut off: what does not fit is folded.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from uuidmig.report.units import one_line

# A ruled header and nothing else, in ASCII whatever the terminal's encoding is.
_RULED = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def heading(title: str, style: str = "") -> RenderableType:
    """Return a section's title with an empty line before it."""
    return Text(f"\n{title}", style=f"bold {style}".strip())


def facts(*pairs: tuple[str, str]) -> Table:
    """Return names and values in two columns."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, one_line(value))
    return table


def grid(*columns: str) -> Table:
    """Return an empty table with a line under its header."""
    table = Table(box=_RULED, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def next_commands(commands: Sequence[str]) -> RenderableType:
    """Return what to type next; nothing when there is nothing to do."""
    if not commands:
        return Group()
    lines = "\n".join(f"   {one_line(command)}" for command in commands)
    return Group(heading("Next"), Text(lines))
