"""Progress on stderr: bars on a terminal, plain lines everywhere else.

Plain lines: one at the start and the end of each step, and one every ten seconds in between even
when no event comes, so that nobody takes a long index build for a hang.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from uuidmig.engine.progress import Event, Note, Observer, StepStarted, TableProgress
from uuidmig.report.progress_picture import Picture, status_line, talk_line
from uuidmig.report.units import count, duration, one_line, share

STATUS_SECONDS = 10.0


@contextmanager
def progress(
    console: Console, *, verbosity: int = 0, status_seconds: float = STATUS_SECONDS
) -> Iterator[Observer]:
    """Yield an observer that shows events on the console until the block ends.

    `verbosity` -1 shows warnings alone, 0 steps and figures, 1 and more debug notes too.
    """
    if verbosity < 0:
        yield _Lines(console, verbosity)
    elif console.is_terminal:
        with _bars(console, verbosity) as bars:
            yield bars
    else:
        with _ticking(_Lines(console, verbosity), status_seconds) as lines:
            yield lines


def _is_shown(event: Event, verbosity: int) -> bool:
    if isinstance(event, Note):
        return {"debug": 1, "info": 0}.get(event.level, -1) <= verbosity
    return verbosity >= 0


@dataclass(slots=True)
class _Lines:
    """Writes a line an event; keeps the picture for the status line."""

    console: Console
    verbosity: int
    picture: Picture = field(default_factory=Picture)
    started: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def notify(self, event: Event) -> None:
        """Take in the event and say it when it is one to be said."""
        with self.lock:
            self.picture = self.picture.after(event)
            line = talk_line(event)
            if line and _is_shown(event, self.verbosity):
                self.console.print(Text(line), soft_wrap=True)

    def tick(self) -> None:
        """Write the status line."""
        with self.lock:
            line = status_line(self.picture, time.monotonic() - self.started)
            self.console.print(Text(line), soft_wrap=True)


@contextmanager
def _ticking(lines: _Lines, seconds: float) -> Iterator[_Lines]:
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(seconds):
            lines.tick()

    thread = threading.Thread(target=tick, name="uuidmig-status", daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        stop.set()
        thread.join()


class _Figures(ProgressColumn):
    """Rows, rate and time left of one table; the first task is the step and has the state."""

    def render(self, task: Task) -> Text:
        table = task.fields.get("table")
        if not isinstance(table, TableProgress):
            return Text(str(task.fields.get("state", "")))
        total = max(table.rows_total, table.rows_done)
        left = "" if table.seconds_left is None else f", ETA {duration(table.seconds_left)}"
        return Text(
            f"{share(table.rows_done, total):>7} of ~{count(total)}, "
            f"{count(table.rows_per_second)} rows/s{left}"
        )


@dataclass(slots=True)
class _Bars:
    """Keeps Rich's bars equal to the picture; what is said once scrolls above them."""

    progress: Progress
    verbosity: int
    step: TaskID
    picture: Picture = field(default_factory=Picture)
    tasks: dict[str, TaskID] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def notify(self, event: Event) -> None:
        """Take in the event and show it."""
        with self.lock:
            self.picture = self.picture.after(event)
            line = talk_line(event)
            if line and not isinstance(event, StepStarted) and _is_shown(event, self.verbosity):
                self.progress.console.print(Text(line))
            if isinstance(event, StepStarted):
                self._forget_tables()
            if isinstance(event, TableProgress):
                self._show_table(event)
            self._show_step()

    def _forget_tables(self) -> None:
        for task in self.tasks.values():
            self.progress.remove_task(task)
        self.tasks.clear()

    def _show_table(self, event: TableProgress) -> None:
        name = one_line(event.table)
        if event.table not in self.tasks:
            self.tasks[event.table] = self.progress.add_task(name, total=None, table=event)
        total = max(event.rows_total, event.rows_done, 1)
        task = self.tasks[event.table]
        self.progress.update(task, completed=event.rows_done, total=total, table=event)

    def _show_step(self) -> None:
        picture = self.picture
        backlog = "" if picture.backlog is None else f"backlog {count(picture.backlog)}"
        waiting = f"waiting: {picture.waiting}" if picture.waiting else ""
        self.progress.update(
            self.step,
            description=one_line(picture.title or picture.step),
            state=one_line("; ".join(filter(None, (backlog, waiting)))),
        )


@contextmanager
def _bars(console: Console, verbosity: int) -> Iterator[_Bars]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), _Figures())
    with Progress(*columns, console=console, transient=True) as display:
        yield _Bars(display, verbosity, display.add_task("starting", total=None, state=""))
