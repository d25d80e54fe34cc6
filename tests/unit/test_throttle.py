"""The copy rests while commits are slow, and only while others are at work."""

from __future__ import annotations

import threading

import pytest

from uuidmig.engine.pace import Width
from uuidmig.engine.progress import Event, Waiting, silent
from uuidmig.engine.throttle import Throttle


class Collected:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)


class Clock(threading.Event):
    """Keeps what it is asked to wait instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return False


def test_full_width_on_a_quiet_database_and_one_chunk_on_a_busy_one() -> None:
    assert Throttle(silent, busy=False).width(Width(64, 2, 2)) == Width(64, 2, 2)
    assert Throttle(silent, busy=True).width(Width(64, 2, 2)) == Width(1)


def test_rests_more_while_commits_are_slow_and_less_when_they_are_quick_again() -> None:
    brake = Throttle(silent, busy=True, base_ms=5.0)
    for _ in range(5):
        brake.adapt(50.0)
    slow = brake.rest
    assert slow > 1
    for _ in range(500):
        brake.adapt(5.0)
    assert brake.rest == 0


def test_never_rests_without_measure() -> None:
    brake = Throttle(silent, busy=True, base_ms=1.0)
    for _ in range(1000):
        brake.adapt(10_000.0)
    clock = Clock()
    brake.give_way(100.0, clock)
    assert brake.rest <= 8
    assert clock.waited == [2.0]


@pytest.mark.parametrize(("busy", "latency"), [(False, 100.0), (True, 1.0)])
def test_does_not_rest_when_nobody_suffers(busy: bool, latency: float) -> None:
    brake, clock = Throttle(silent, busy=busy, base_ms=5.0), Clock()
    for _ in range(500):
        brake.adapt(latency)
    brake.give_way(1.0, clock)
    assert clock.waited == []


def test_one_much_slower_commit_weighs_as_much_as_many_quick_ones() -> None:
    brake = Throttle(silent, busy=True, base_ms=5.0, rest=0.0)
    for latency in (5.0, 5.0, 500.0, 5.0, 5.0):
        brake.adapt(latency)
    assert 0.9 < brake.rest <= 1.0
    for _ in range(100):
        brake.adapt(5.0)
    assert brake.rest == 0


def test_a_commit_somewhat_slower_than_the_others_is_noise() -> None:
    brake = Throttle(silent, busy=True, base_ms=5.0, rest=0.0)
    for latency in (5.0, 5.0, 14.0, 5.0, 5.0):
        brake.adapt(latency)
    assert brake.rest == 0


def test_says_why_it_waits_but_not_all_the_time() -> None:
    told = Collected()
    brake = Throttle(told, busy=True, base_ms=5.0, told=-1000.0)
    for _ in range(20):
        brake.adapt(50.0)
    assert [type(event) for event in told.events] == [Waiting]
    assert "50 ms" in told.events[0].reason  # type: ignore[union-attr]
