"""The look at the order of keys sees what is wrong with a generator; the comparison runs."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks.generators.known import STANDARD_LIBRARY
from benchmarks.generators.order import Order, check_order
from benchmarks.generators.speed import measure

ROOT = Path(__file__).parents[2]
KEYS = 8000


def test_keys_in_order() -> None:
    number = itertools.count(1)

    assert check_order(lambda: UUID(int=next(number)), KEYS) == Order(KEYS, 0, 0)


def test_one_key_for_all_is_seen() -> None:
    order = check_order(lambda: UUID(int=7), KEYS)

    assert order.repeated == KEYS - 1


def test_keys_that_fall_are_seen() -> None:
    number = itertools.count(2**100, -1)

    order = check_order(lambda: UUID(int=next(number)), KEYS)

    assert order.behind >= KEYS - 8
    assert order.repeated == 0


def test_one_key_that_comes_late_is_seen() -> None:
    number = itertools.count(1)

    def late() -> UUID:
        made = next(number)
        return UUID(int=made if made != KEYS // 2 else 1000 * KEYS)

    assert check_order(late, KEYS).behind > 0


def test_two_threads_that_take_the_same_number_are_seen() -> None:
    last = 0

    def without_a_lock() -> UUID:
        nonlocal last
        made = last + 1
        time.sleep(0)  # another thread's turn
        last = made
        return UUID(int=made)

    order = check_order(without_a_lock, KEYS)

    assert order.behind + order.repeated > 0


def test_ratios_are_those_within_a_round() -> None:
    def wait() -> UUID:
        time.sleep(0.001)
        return UUID(int=1)

    fast, slow = measure({STANDARD_LIBRARY: lambda: UUID(int=1), "slow": wait}, 8, 3, (2,))

    assert (fast.to_stdlib, slow.threads, len(slow.nanoseconds)) == (1.0, 2, 3)
    assert slow.to_stdlib is not None
    assert slow.to_stdlib > 1


def test_without_a_standard_generator_there_is_no_ratio() -> None:
    (only,) = measure({"own": lambda: UUID(int=1)}, 8, 1, (1,))

    assert only.to_stdlib is None


@pytest.mark.parametrize("as_json", [False, True])
def test_command(as_json: bool) -> None:
    size = ("--keys", "8000", "--timed", "800", "--rounds", "1")
    command = [sys.executable, "-m", "benchmarks.generators", *size]
    done = subprocess.run(
        [*command, "--json"] if as_json else command, cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    if as_json:
        orders = json.loads(done.stdout)["orders"]
        assert orders["uuidmig.uuid7"] == {"keys": 8000, "behind": 0, "repeated": 0}
    else:
        assert "uuidmig's own" in done.stdout
