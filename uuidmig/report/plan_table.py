"""The plan for people, in 100 columns: domains, tables, steps, forecast, hazards, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from uuidmig.planner.canary import CanarySample
from uuidmig.planner.model import (
    DEFAULT_ONLY,
    ClosureTable,
    Forecast,
    Hazard,
    KeyDomain,
    KeySwitch,
    Plan,
)
from uuidmig.report.canary import canary_sections
from uuidmig.report.layout import facts, grid, heading, next_commands
from uuidmig.report.plan_script import version_text
from uuidmig.report.plan_words import (
    describe_generator,
    describe_keys,
    describe_soft,
    describe_timestamp,
)
from uuidmig.report.strategies import strategies_sections
from uuidmig.report.units import count, duration, one_line, size
from uuidmig.steps.model import Step
from uuidmig.steps.subscribers import subscriber_commands

_SEVERITIES = (
    ("refusal", "Refusals", "red"),
    ("warning", "Warnings", "yellow"),
    ("note", "Notes", ""),
)


def plan_table(
    plan: Plan, steps: Sequence[Step], plan_hash: str, samples: Sequence[CanarySample] = ()
) -> RenderableType:
    """Return everything `plan` shows; `samples` are those of a canary."""
    return Group(*_sections(plan, steps, plan_hash, samples))


def _sections(
    plan: Plan, steps: Sequence[Step], plan_hash: str, samples: Sequence[CanarySample]
) -> Iterator[RenderableType]:
    server = plan.server
    yield Text(
        one_line(
            f"Database {server.database} on PostgreSQL {version_text(server.version)} as "
            f"{server.user}; plan {plan_hash[:12]}"
        ),
        style="bold",
    )
    yield heading("Key domains")
    yield from (_domain(domain, plan) for domain in plan.domains)
    if plan.default_only:
        yield heading("Defaults to be changed")
        yield _switches(plan.switches)
    else:
        yield heading("Tables to be rewritten")
        yield _tables(plan.tables)
    yield from _soft(plan)
    yield heading("Steps")
    yield _steps(steps)
    if plan.forecast is not None:
        yield heading("Forecast")
        yield _forecast(plan.forecast)
    yield from canary_sections(samples)
    yield from strategies_sections(plan)
    yield from _hazards(plan.hazards)
    if commands := subscriber_commands(plan):
        yield heading("Subscribers")
        yield Text("\n".join(map(one_line, commands)))
    yield next_commands(_next(plan))


def _domain(domain: KeyDomain, plan: Plan) -> RenderableType:
    members = ", ".join(map(str, domain.members)) or "none"
    title = Text(one_line(f"{domain.number}  {domain.root}"), style="bold")
    timestamp = [("timestamp", describe_timestamp(domain.timestamp))]
    body = facts(
        ("keys", describe_keys(domain.counts)),
        *([] if plan.default_only else timestamp),
        ("new keys by", describe_generator(domain.generator)),
        ("referenced by", members),
    )
    return Group(title, Padding(body, (0, 0, 0, 3)))


def _switches(switches: Sequence[KeySwitch]) -> Table:
    table = grid("column", "default now", "default then")
    for switch in switches:
        names = str(switch.column), switch.old_default or "its domain's", switch.new_default
        table.add_row(*map(one_line, names))
    return table


def _tables(tables: Sequence[ClosureTable]) -> Table:
    table = grid("#", "table", "rows ~", "heap", "toast", "indexes", "domains")
    for column in (0, 2, 3, 4, 5):
        table.columns[column].justify = "right"
    for entry in tables:
        source = entry.table
        table.add_row(
            str(entry.number),
            one_line(str(entry.name)),
            count(max(source.rows, 0)),
            size(source.heap_bytes),
            size(source.toast_bytes),
            size(source.index_bytes),
            _domains_of(entry),
        )
    return table


def _soft(plan: Plan) -> Iterator[RenderableType]:
    declared = [
        (
            f"{entry.name}.{reference.column}",
            describe_soft(plan.domain(reference.domain), reference),
        )
        for entry in plan.tables
        for reference in entry.references
        if reference.foreign_key is None
    ]
    if declared:
        yield heading("Soft references, as declared")
        yield facts(*declared)


def _domains_of(entry: ClosureTable) -> str:
    own = [f"{number} (root)" for _, number in entry.roots]
    foreign = sorted({reference.domain for reference in entry.references})
    return ", ".join([*own, *map(str, foreign)])


def _steps(steps: Sequence[Step]) -> Table:
    table = grid("#", "step", "what", "strongest lock", "blocks")
    table.columns[0].justify = "right"
    table.columns[1].no_wrap = True
    for number, step in enumerate(steps, start=1):
        table.add_row(str(number), step.id, one_line(step.title), step.lock, one_line(step.blocks))
    return table


def _forecast(forecast: Forecast) -> RenderableType:
    data = f"{size(forecast.heap_bytes)} heap, {size(forecast.index_bytes)} indexes"
    copied = [("rows", count(forecast.rows)), ("data", data)] if forecast.rows else []
    return facts(
        *copied,
        ("extra disk", f"{size(forecast.disk_bytes)} at the peak, change log excluded"),
        ("WAL", size(forecast.wal_bytes)),
        ("time", f"about {duration(forecast.seconds)}"),
        ("made from", forecast.basis),
    )


def _hazards(hazards: Sequence[Hazard]) -> Iterator[RenderableType]:
    for severity, title, style in _SEVERITIES:
        chosen = [hazard for hazard in hazards if hazard.severity == severity]
        if chosen:
            yield heading(f"{title} ({len(chosen)})", style)
            yield from (_hazard(hazard, style) for hazard in chosen)


def _hazard(hazard: Hazard, style: str) -> RenderableType:
    title = Text.assemble((one_line(hazard.code), style), f"  {one_line(hazard.object)}")
    body = Text(one_line(hazard.message))
    if hazard.remedy:
        body.append("\n-> " + one_line(hazard.remedy), style="italic")
    return Group(title, Padding(body, (0, 0, 0, 3)))


def _next(plan: Plan) -> Sequence[str]:
    if plan.refusals:
        return ("uuidmig plan   (again, when the refusals above are dealt with)",)
    if plan.default_only:
        return (f"uuidmig migrate --strategy {DEFAULT_ONLY}",)
    return ("uuidmig migrate",)
