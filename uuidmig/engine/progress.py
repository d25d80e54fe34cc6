"""What the engine tells while it works. Events are plain data; whoever renders them is above.

The engine may notify from worker threads: an observer must be thread-safe, must return quickly
and must not raise. Events never hold values of the user's rows, nor connection strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began. `step` is its stable id ("prepare", "copy"), `title` one line for people."""

    step: str
    title: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step ended well. `detail` is one line of figures, or empty."""

    step: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TableProgress:
    """How far one table is, in rows really written; the total is an estimate from the catalog.

    `seconds_left` is None while it cannot be told (before 1 %, or without a rate).
    """

    table: str
    rows_done: int
    rows_total: int
    rows_per_second: float
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Rows in the change logs that wait for their replay."""

    rows: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing moves for now; `reason` says why ("paused: nightly report", "checkpoint")."""

    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds what we wait for. `query` as pg_stat_activity shows it to our role."""

    pid: int
    application: str
    query: str
    age_seconds: float


@dataclass(frozen=True, slots=True)
class LockRetry:
    """The locks were not to be had in the budget; all were released, the next try follows."""

    step: str
    attempt: int
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class Stall:
    """How long, at most, writers of the application waited for locks held by `step`."""

    step: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say that is no step. level: "debug" (shown with -v), "info", "warning"."""

    text: str
    level: str = "info"


Event = StepStarted | StepFinished | TableProgress | Backlog | Waiting | LockRetry | Stall | Note


class Observer(Protocol):
    """Gets every event, in order within a thread."""

    def notify(self, event: Event) -> None:
        """Take one event; thread-safe, quick, never raising."""
        ...


class Silent:
    """The observer that says nothing."""

    __slots__ = ()

    def notify(self, event: Event) -> None:
        """Ignore the event."""


silent: Observer = Silent()
