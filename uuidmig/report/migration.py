"""What `migrate` did, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from uuidmig.engine.options import MigrationReport
from uuidmig.planner.model import DEFAULT_ONLY
from uuidmig.report.layout import facts, grid, heading, next_commands
from uuidmig.report.units import count, counted, duration, one_line


def migration_table(report: MigrationReport, commands: Sequence[str]) -> RenderableType:
    """Return rows a table, how long writers waited at most, and the next commands."""
    stalls = [(f"stall at {step}", f"{worst:.0f} ms at most") for step, worst in report.stalls]
    if report.switched:
        return _switched(report, stalls, commands)
    table = grid("table", "rows")
    table.columns[1].justify = "right"
    for name, rows in report.tables:
        table.add_row(one_line(name), count(rows))
    summary = facts(
        ("state", report.state),
        ("rows", count(report.rows)),
        ("time", duration(report.seconds)),
        ("change log", f"{counted(report.backlog, 'row')} to replay"),
        *stalls,
    )
    return Group(summary, heading("Copied"), table, next_commands(commands))


def _switched(
    report: MigrationReport, stalls: Sequence[tuple[str, str]], commands: Sequence[str]
) -> RenderableType:
    summary = facts(
        ("state", report.state),
        ("strategy", DEFAULT_ONLY),
        ("columns", ", ".join(report.switched)),
        ("time", duration(report.seconds)),
        *stalls,
    )
    return Group(summary, next_commands(commands))
