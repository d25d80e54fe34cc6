"""What a progress display shows, as data: events go in, the picture of the moment comes out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import singledispatch

from uuidmig.engine.progress import (
    Backlog,
    Blocker,
    Event,
    LockRetry,
    Note,
    Stall,
    StepFinished,
    StepStarted,
    TableProgress,
    Waiting,
)
from uuidmig.report.units import count, duration, one_line, share


@dataclass(frozen=True, slots=True)
class Picture:
    """The moment: the step under way, every table's figures, the backlog, why nothing moves."""

    step: str = ""
    title: str = ""
    tables: dict[str, TableProgress] = field(default_factory=dict)
    backlog: int | None = None
    waiting: str = ""

    def after(self, event: Event) -> Picture:
        """Return the picture after the event."""
        return _after(event, self)

    @property
    def rows_done(self) -> int:
        return sum(table.rows_done for table in self.tables.values())

    @property
    def rows_total(self) -> int:
        return sum(max(table.rows_total, table.rows_done) for table in self.tables.values())


@singledispatch
def _after(event: object, picture: Picture) -> Picture:
    return picture


@_after.register
def _(event: StepStarted, picture: Picture) -> Picture:
    return Picture(event.step, event.title, {}, picture.backlog)


@_after.register
def _(event: StepFinished, picture: Picture) -> Picture:
    return replace(picture, waiting="")


@_after.register
def _(event: TableProgress, picture: Picture) -> Picture:
    return replace(picture, tables=picture.tables | {event.table: event}, waiting="")


@_after.register
def _(event: Backlog, picture: Picture) -> Picture:
    return replace(picture, backlog=event.rows)


@_after.register
def _(event: Waiting, picture: Picture) -> Picture:
    return replace(picture, waiting=event.reason)


@_after.register
def _(event: LockRetry, picture: Picture) -> Picture:
    return replace(picture, waiting=f"for locks, try {event.attempt}")


def status_line(picture: Picture, elapsed: float) -> str:
    """Return the moment on one line, for logs and for terminals without a cursor."""
    parts = [f"{duration(elapsed)} {picture.step or 'start'}"]
    if picture.rows_total:
        parts.append(_rows(picture))
    moving = [table for table in picture.tables.values() if table.rows_per_second > 0]
    if moving:
        parts.append(f"{count(sum(table.rows_per_second for table in moving))} rows/s")
    left = [table.seconds_left for table in moving if table.seconds_left is not None]
    if left:
        parts.append(f"ETA {duration(max(left))}")
    if picture.backlog is not None:
        parts.append(f"backlog {count(picture.backlog)}")
    if picture.waiting:
        parts.append(f"waiting: {picture.waiting}")
    return one_line("; ".join(parts))


def _rows(picture: Picture) -> str:
    done, total = picture.rows_done, picture.rows_total
    return f"{count(done)}/~{count(total)} rows ({share(done, total)})"


@singledispatch
def talk_line(event: object) -> str | None:
    """Return what to say once about the event; None when the picture alone changes."""
    return None


@talk_line.register
def _(event: StepStarted) -> str | None:
    return one_line(f"{event.step}: {event.title}")


@talk_line.register
def _(event: StepFinished) -> str | None:
    detail = f", {event.detail}" if event.detail else ""
    return one_line(f"{event.step}: done in {duration(event.seconds)}{detail}")


@talk_line.register
def _(event: Stall) -> str | None:
    return one_line(f"{event.step}: writers waited {event.milliseconds:.0f} ms at most")


@talk_line.register
def _(event: LockRetry) -> str | None:
    blockers = "; ".join(map(_blocker, event.blockers)) or "nobody we can see"
    return one_line(
        f"{event.step}: no lock at try {event.attempt}, trying again; held by {blockers}"
    )


@talk_line.register
def _(event: Note) -> str | None:
    return one_line(event.text)


def _blocker(blocker: Blocker) -> str:
    query = blocker.query if len(blocker.query) <= 80 else f"{blocker.query[:77]}..."
    name = blocker.application or "no name"
    return f"pid {blocker.pid} ({name}, for {duration(blocker.age_seconds)}): {query}"
