"""What a run leaves for its report: waits, and how the copy gave way, both in a bounded size."""

from __future__ import annotations

import threading

import pytest

from uuidmig.engine.progress import Blocker, Event, LockRetry, Note, Waiting
from uuidmig.engine.throttle_record import MOST_SAMPLES, ThrottleRecord
from uuidmig.engine.waits import MOST_TIMES, Waits


class Listener:
    def __init__(self) -> None:
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        self.heard.append(event)


class Journal:
    """Stands in for the connection of the journal; only counts what would be written."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, dict[str, object]]] = []

    def execute(self, query: str, values: list[object]) -> None:
        kind, step, detail = values
        self.rows.append((str(kind), str(step), detail.obj))  # type: ignore[attr-defined]


def write(waits: Waits) -> list[tuple[str, str, dict[str, object]]]:
    journal = Journal()
    waits.write(journal)  # type: ignore[arg-type]
    return journal.rows


def test_waits_are_counted_by_step_and_written_once() -> None:
    listener = Listener()
    waits = Waits(listener)
    for number in range(MOST_TIMES + 10):
        waits.notify(Waiting("copy", f"a commit takes {number} ms"))
    secret = Blocker(1, "psql", "SELECT 'secret'", 3.0)
    waits.notify(LockRetry("cutover", 1, (secret,)))
    waits.notify(Note("hello"))
    assert len(listener.heard) == MOST_TIMES + 12
    copy, cutover = write(waits)
    assert copy[:2] == ("waiting", "copy")
    assert copy[2]["count"] == MOST_TIMES + 10
    assert copy[2]["reason"] == f"a commit takes {MOST_TIMES + 9} ms"
    assert len(copy[2]["times"]) == MOST_TIMES  # type: ignore[arg-type]
    assert cutover[:2] == ("lock_retry", "cutover")
    assert cutover[2]["reason"] == "psql"
    assert "secret" not in str(cutover)
    assert write(waits) == []


def test_waits_are_not_wrapped_twice() -> None:
    waits = Waits(Listener())
    assert Waits.around(waits) is waits
    assert isinstance(Waits.around(Listener()), Waits)


def test_a_long_copy_keeps_few_samples_of_all_its_time() -> None:
    record = ThrottleRecord()
    for _ in range(10_000):
        record.add(2.0, 0.5)
    rows = record.rows()
    assert MOST_SAMPLES / 2 <= len(rows) <= MOST_SAMPLES
    assert {(commit, rest) for _, commit, rest in rows} == {(2.0, 0.5)}
    assert [at for at, _, _ in rows] == sorted(at for at, _, _ in rows)


def test_merged_samples_are_means() -> None:
    record = ThrottleRecord()
    for number in range(MOST_SAMPLES):
        record.add(float(number % 2), 1.0)
    assert {commit for _, commit, _ in record.rows()} == {0.5}


def test_rest_of_all_workers_adds_up() -> None:
    record = ThrottleRecord()

    def rest() -> None:
        for _ in range(1000):
            record.add_rest(0.25)

    threads = [threading.Thread(target=rest) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert record.rested_seconds == pytest.approx(1000)
