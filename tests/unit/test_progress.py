"""What progress says, on a terminal and off it."""

from __future__ import annotations

import io
import threading
import time

from rich.console import Console

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
from uuidmig.report.progress import progress
from uuidmig.report.progress_picture import Picture, status_line, talk_line

RUN: tuple[Event, ...] = (
    StepStarted("copy", "copy 2 tables"),
    TableProgress("public.orders", 250, 1000, 50.0, 15.0),
    TableProgress("public.items", 100, 1000, 25.0, 36.0),
    Backlog(1234),
)
BLOCKED = LockRetry("cutover", 3, (Blocker(42, "report", "SELECT pg_sleep(100)", 61.0),))


def picture_of(*events: Event) -> Picture:
    picture = Picture()
    for event in events:
        picture = picture.after(event)
    return picture


def plain_output(*events: Event, verbosity: int = 0) -> list[str]:
    file = io.StringIO()
    with progress(Console(file=file, width=100), verbosity=verbosity) as observer:
        for event in events:
            observer.notify(event)
    return file.getvalue().splitlines()


def test_the_status_line_has_rows_rate_eta_and_backlog() -> None:
    assert status_line(picture_of(*RUN), 7.0) == (
        "7.0 s copy; 350/~2,000 rows (17.5 %); 75 rows/s; ETA 36.0 s; backlog 1,234"
    )


def test_the_status_line_says_why_nothing_moves() -> None:
    assert status_line(picture_of(*RUN, Waiting("copy", "paused: report")), 1).endswith(
        "waiting: paused: report"
    )
    assert "waiting" not in status_line(picture_of(*RUN, Waiting("copy", "x"), RUN[1]), 1)
    assert status_line(picture_of(BLOCKED), 1).endswith("waiting: for locks, try 3")


def test_a_step_forgets_the_tables_of_the_one_before() -> None:
    line = status_line(picture_of(*RUN, StepStarted("verify", "compare")), 90.0)
    assert line == "1 min 30 s verify; backlog 1,234"


def test_a_lock_retry_names_who_blocks() -> None:
    assert talk_line(BLOCKED) == (
        "cutover: no lock at try 3, trying again; "
        "held by pid 42 (report, for 1 min 01 s): SELECT pg_sleep(100)"
    )


def test_what_is_said_holds_no_control_characters() -> None:
    nasty = LockRetry("cutover", 1, (Blocker(1, "a\x1b[2J", "SELECT\n1", 1.0),))
    assert talk_line(nasty) == (
        "cutover: no lock at try 1, trying again; held by pid 1 (a [2J, for 1.0 s): SELECT 1"
    )


def test_a_line_a_step_off_a_terminal() -> None:
    lines = plain_output(*RUN, StepFinished("copy", 4.0, "350 rows"), Stall("verify", 18.6))
    assert lines == [
        "copy: copy 2 tables",
        "copy: done in 4.0 s, 350 rows",
        "verify: writers waited 19 ms at most",
    ]


def test_notes_by_verbosity() -> None:
    notes = [Note("d", "debug"), Note("i", "info"), Note("w", "warning")]
    assert plain_output(*notes, RUN[0], verbosity=-1) == ["w"]
    assert plain_output(*notes) == ["i", "w"]
    assert plain_output(*notes, verbosity=1) == ["d", "i", "w"]


def test_a_status_line_comes_without_any_event() -> None:
    file = io.StringIO()
    with progress(Console(file=file, width=100), status_seconds=0.01) as observer:
        observer.notify(StepStarted("build", "build indexes"))
        deadline = time.monotonic() + 30
        while file.getvalue().count(" build") < 2 and time.monotonic() < deadline:
            threading.Event().wait(0.01)
    assert " build" in file.getvalue().splitlines()[-1]


def test_bars_on_a_terminal() -> None:
    file = io.StringIO()
    console = Console(file=file, width=120, force_terminal=True, color_system=None)
    with progress(console) as observer:
        for event in (*RUN, BLOCKED, Note("[bold]note :smile:")):
            observer.notify(event)
    shown = file.getvalue()
    assert "public.orders" in shown
    assert "25.0 % of ~1,000, 50 rows/s, ETA 15.0 s" in shown
    assert "backlog 1,234" in shown
    assert "held by pid 42" in shown
    assert "[bold]note :smile:" in shown
