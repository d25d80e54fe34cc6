"""Where a migration stands, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType

from uuidmig.engine.status_model import Coordinator, JournalEvent, Status, TableStatus
from uuidmig.report.layout import facts, grid, heading, next_commands
from uuidmig.report.units import count, counted, one_line, share

_EVENTS_SHOWN = 10


def status_table(status: Status) -> RenderableType:
    """Return state, progress, the last events and the next commands."""
    return Group(*_sections(status))


def _sections(status: Status) -> Iterator[RenderableType]:
    yield facts(*_facts(status))
    if status.tables:
        yield heading("Copied")
        yield _tables(status.tables)
    if status.switches:
        yield heading("Defaults")
        yield _switches(status)
    if status.events:
        yield heading("Last events")
        yield _events(status.events[-_EVENTS_SHOWN:])
    yield next_commands(status.next_commands)


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    yield "database", status.database
    yield "state", status.state or "no migration under way"
    if status.since is not None:
        yield "since", moment(status.since)
    if status.state is None:
        return
    if status.paused:
        yield "paused", status.pause_reason or "yes"
    yield "strategy", status.strategy or "rewrite"
    if not status.switches:
        yield "change log", f"{counted(status.backlog, 'row')} to replay"
    yield "coordinator", _coordinator(status.coordinator)
    if status.alembic_config is not None:
        yield "Alembic", one_line(status.alembic_config)
    yield "plan", f"{(status.plan_hash or '')[:12]}, made by uuidmig {status.tool_version}"


def _coordinator(coordinator: Coordinator | None) -> str:
    if coordinator is None:
        return "none: no process is working on it"
    host = coordinator.host or "unknown host"
    return one_line(f"process {coordinator.pid} on {host}, since {moment(coordinator.since)}")


def _tables(tables: Sequence[TableStatus]) -> RenderableType:
    table = grid("table", "rows copied", "of ~", "chunks", "")
    for column in range(1, 5):
        table.columns[column].justify = "right"
    for entry in tables:
        table.add_row(
            one_line(entry.name),
            count(entry.rows_done),
            count(entry.rows_total),
            f"{entry.chunks_done}/{entry.chunks_total}",
            share(entry.chunks_done, entry.chunks_total),
        )
    return table


def _switches(status: Status) -> RenderableType:
    table = grid("column", "default")
    for switch in status.switches:
        default = (
            switch.new_default
            if status.state == "switched"
            else switch.old_default or "its domain's"
        )
        table.add_row(one_line(str(switch.column)), one_line(default))
    return table


def _events(events: Sequence[JournalEvent]) -> RenderableType:
    table = grid("at", "event", "step", "detail")
    for event in events:
        detail = ", ".join(f"{name} {value}" for name, value in event.detail.items())
        table.add_row(moment(event.at), event.kind, event.step or "", one_line(detail))
    return table


def moment(at: datetime) -> str:
    """Return the time in UTC to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
