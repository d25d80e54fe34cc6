"""What `doctor` found, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from uuidmig.engine.doctor import Check
from uuidmig.report.layout import grid, heading
from uuidmig.report.units import one_line

_STYLES = {"ok": "green", "note": "", "warning": "yellow", "blocks": "bold red"}


def diagnosis_table(checks: Sequence[Check]) -> RenderableType:
    """Return all checks, and below them what to do about those that are not ok."""
    table = grid("", "what", "found")
    table.columns[0].no_wrap = True
    for check in checks:
        verdict = Text(check.verdict, style=_STYLES[check.verdict])
        table.add_row(verdict, check.name, one_line(check.value))
    advised = [check for check in checks if check.advice]
    return Group(table, *([heading("Advice"), _advice(advised)] if advised else []))


def _advice(checks: Sequence[Check]) -> RenderableType:
    table = grid("", "what", "do")
    table.columns[0].no_wrap = True
    for check in checks:
        verdict = Text(check.verdict, style=_STYLES[check.verdict])
        table.add_row(verdict, check.name, one_line(check.advice))
    return table
