"""Ratios of the benchmark: within a round first, then the median."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.migration.measure import Run
from benchmarks.migration.ratios import BARS, TIME_PER_ROW, Bar, medians, ratios
from benchmarks.migration.rounds import Round


def run(method: str, seconds: float, scale: float = 1.0, memory: int | None = None) -> Run:
    return Run(
        method=method,
        scale=scale,
        rows=int(4000 * scale),
        seconds=seconds,
        wal_bytes=int(1000 * seconds),
        size_bytes=500,
        disk_before_bytes=1,
        disk_peak_bytes=2,
        client_memory_bytes=memory,
        steps={"copy": seconds / 2},
    )


ROUNDS = (
    Round(1, (run("migrate_2", 2.0, memory=70), run("identity", 1.0))),
    Round(2, (run("identity", 10.0), run("migrate_2", 11.0, memory=90))),
    Round(3, (run("identity", 4.0), run("migrate_2", 6.0, memory=80))),
)


def test_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # 2.0, 1.1 and 1.5; the ratio of the medians would be 6 / 4 too, so a second figure:
    assert ratios(ROUNDS, 1.0)["time_to_identity_copy"] == 1.5
    assert ratios(ROUNDS[:2], 1.0)["time_to_identity_copy"] == pytest.approx((2.0 + 1.1) / 2)


def test_the_whole_command_is_timed_and_beside_it_what_grows_with_the_data() -> None:
    timed = replace(run("migrate_2", 6.0), steps={"copy": 3.0, "verify": 1.0, "rest": 2.0})
    found = ratios((Round(1, (timed, run("identity", 4.0))),), 1.0)
    assert found["time_to_identity_copy"] == 1.5
    assert found["copy_to_valid_to_identity_copy"] == 1.0


def test_memory_is_the_most_of_all_runs() -> None:
    assert ratios(ROUNDS, 1.0)["client_memory_bytes"] == 90


def test_what_was_not_run_has_no_ratio() -> None:
    found = ratios(ROUNDS, 1.0)
    assert found["cascade_update_time_to_migrate"] is None
    assert found[TIME_PER_ROW] is None


def test_growth_compares_time_per_row() -> None:
    grown = Round(1, (run("migrate_2", 2.0), run("migrate_2", 10.0, scale=4.0)))
    assert ratios((grown,), 1.0)[TIME_PER_ROW] == 1.25


def test_slow_methods_are_divided_by_migrate() -> None:
    only = Round(1, (run("migrate_2", 2.0), run("cascade", 14.0), run("keyset", 5.0)))
    found = ratios((only,), 1.0)
    assert found["cascade_update_time_to_migrate"] == 7.0
    assert found["keyset_time_to_migrate"] == 2.5


def test_medians_are_by_method_and_scale() -> None:
    identity, migrated = medians(ROUNDS)
    assert (identity.method, identity.seconds, identity.client_memory_bytes) == (
        "identity",
        4.0,
        None,
    )
    assert (migrated.seconds, migrated.client_memory_bytes) == (6.0, 80)
    assert migrated.steps == {"copy": 3.0}


def test_bars_know_their_direction() -> None:
    assert Bar("x", 1.5).is_met(1.5)
    assert not Bar("x", 1.5).is_met(1.6)
    assert Bar("x", 6.0, at_least=True).is_met(6.0)
    assert not Bar("x", 6.0, at_least=True).is_met(5.9)
    assert len({bar.figure for bar in BARS}) == len(BARS)
