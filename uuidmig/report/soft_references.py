"""What a sample of columns without a foreign key found: for people, and as part of a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from uuidmig.planner.soft_hits import Finding, SampledColumn, SoftReport
from uuidmig.report.layout import facts, grid, heading
from uuidmig.report.units import count, one_line, share


def sampled_document(report: SoftReport | None) -> dict[str, object]:
    """Return the part of `plan --json` that `--soft-references` adds; empty without a report."""
    return {} if report is None else {"soft_references": report}


def sampled_table(report: SoftReport) -> RenderableType:
    """Return the findings, the columns with uuids that are no such keys, and what was not read."""
    return Group(*_sections(report))


def _sections(report: SoftReport) -> Iterator[RenderableType]:
    hits = [column for column in report.columns if column.findings]
    strangers = [c for c in report.columns if c.values and not c.findings]
    failed = [c for c in report.columns if c.problem is not None]
    yield heading("Soft references, sampled")
    yield facts(
        ("sampled", f"{count(len(report.columns) - len(failed))} columns without a foreign key"),
        ("with hits", count(len(hits))),
        ("uuids of others", ", ".join(map(_name, strangers)) or "none"),
    )
    if hits:
        yield Text()
        yield _hits(hits)
        yield from _discriminators(hits)
    for column in failed:
        yield Text(one_line(f"not sampled: {column.column}: {column.problem}"))


def _name(column: SampledColumn) -> str:
    return f"{column.column} ({count(column.values)})"


def _hits(columns: Sequence[SampledColumn]) -> Table:
    table = grid("column", "at", "keys of", "like a uuid", "hits", "rate", "sampled")
    for place in (3, 4, 5):
        table.columns[place].justify = "right"
    for column in columns:
        for finding in column.findings:
            table.add_row(
                one_line(str(column.column)),
                one_line(finding.path or ""),
                one_line(str(finding.root)),
                count(finding.values),
                count(finding.hits),
                share(finding.hits, finding.values),
                column.sampled,
            )
    return table


def _discriminators(columns: Sequence[SampledColumn]) -> Iterator[RenderableType]:
    for column in columns:
        for finding in column.findings:
            if finding.by is not None:
                yield _discriminator(column, finding)


def _discriminator(column: SampledColumn, finding: Finding) -> RenderableType:
    title = f"\n{column.column} to {finding.root}: {finding.by} seems to tell"
    rates = [
        (str(rate.equals), f"{count(rate.hits)} of {count(rate.values)}")
        for rate in finding.by_value
    ]
    return Group(Text(one_line(title.strip())), Padding(facts(*rates), (0, 0, 0, 3)))
