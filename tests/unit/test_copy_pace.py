"""How wide the adaptive copy claims: wider while it gets faster, narrower when it gets slow."""

from __future__ import annotations

from tests.unit.factories import column, index, key, plan, primary, table, timestamp
from uuidmig.engine.chunks import chunk_pages
from uuidmig.engine.pace import (
    Pace,
    Width,
    at_start,
    in_turns,
    keeps_neighbours,
    next_pace,
    share,
)


def test_widens_while_it_gets_faster() -> None:
    assert next_pace(Pace(64, 1, 100_000), 1, rows=600_000, seconds=3).width == 128


def test_holds_when_wider_was_not_faster() -> None:
    assert next_pace(Pace(128, 1, 200_000), 1, rows=600_000, seconds=3).width == 128


def test_widens_after_a_very_short_statement_whatever_the_rate() -> None:
    assert next_pace(Pace(1, 1, 1e9), 1, rows=10_000, seconds=0.1).width == 2


def test_narrows_when_a_statement_takes_long_and_never_below_one() -> None:
    assert next_pace(Pace(64, 1, 1.0), 1, rows=640_000, seconds=60).width == 32
    assert next_pace(Pace(1, 1, 1.0), 1, rows=10_000, seconds=60).width == 1


def test_another_table_starts_a_new_comparison() -> None:
    assert next_pace(Pace(128, 1, 1e9), 2, rows=600_000, seconds=3).width == 256


def test_shares_a_table_evenly_where_one_claim_each_does_it() -> None:
    assert [share(Pace(160), chunk_count=301, left=left, workers=2) for left in (301, 150)] == [
        151,
        151,
    ]


def test_starts_a_table_wide_enough_for_its_parents() -> None:
    assert at_start(Pace(160), 2, parent_rows=4e6).width == 640
    assert at_start(Pace(160), 2, parent_rows=100).width == 160
    assert at_start(Pace(160), 2, parent_rows=1e9).width == 1024
    assert at_start(Pace(20, table_number=2), 2, parent_rows=4e6).width == 20


def test_narrows_towards_the_end_of_a_long_table() -> None:
    assert share(Pace(160), chunk_count=5000, left=4000, workers=2) == 160
    assert share(Pace(160), chunk_count=5000, left=100, workers=2) == 50
    assert share(Pace(160), chunk_count=5000, left=3, workers=2) == 32


def test_a_table_with_a_brin_index_keeps_its_neighbours() -> None:
    brin = index("at", "created_at", method="brin")
    columns = (key(), timestamp("created_at"), column("note", "text"))
    made = plan(
        table("brisk", *columns),
        table("brin", *columns, indexes=(primary("id"), brin)),
    )
    assert {t.name.name: keeps_neighbours(t) for t in made.tables} == {"brisk": False, "brin": True}


def test_has_an_upper_bound() -> None:
    pace = Pace()
    for _ in range(50):
        pace = next_pace(pace, 1, rows=10_000, seconds=0.01)
    assert pace.width == 1024


def test_chunks_hold_about_the_batch() -> None:
    assert chunk_pages(pages=10_000, rows=1_000_000, batch=10_000) == 100
    assert chunk_pages(pages=10, rows=5, batch=1) == 2


def test_chunks_of_an_unknown_table_and_of_a_huge_one_stay_sensible() -> None:
    assert chunk_pages(pages=0, rows=-1, batch=10_000) == 200
    assert chunk_pages(pages=400_000_000, rows=4e10, batch=1) == 2000


def test_claims_of_several_workers_are_stripes_in_turns() -> None:
    assert in_turns(151, heap_chunks=301, workers=2) == Width(151 + 2, stripe=3, turns=2)
    assert in_turns(50, heap_chunks=100, workers=2) == Width(50, stripe=1, turns=2)
    assert in_turns(100, heap_chunks=100, workers=1) == Width(100, stripe=2, turns=1)


def test_stripes_of_a_huge_table_stay_narrow() -> None:
    """Else a claim would be one run of pages again; nor may it have more than the planner likes."""
    width = in_turns(1024, heap_chunks=100_000, workers=2)
    assert width == Width(1024, stripe=16, turns=2)
    assert width.chunks / width.stripe == 64
