from __future__ import annotations

import pytest

from tests.unit.factories import key, plan, primary, table, timestamp
from uuidmig.planner.model import Forecast


def forecast(**changes: object) -> Forecast:
    facts: dict[str, object] = {
        "rows": 1_000_000.0,
        "heap_bytes": 100_000_000,
        "toast_bytes": 10_000_000,
        "index_bytes": 40_000_000,
        "indexes": (primary("id", bytes=30_000_000),),
    }
    made = plan(table("t", key(), timestamp("created_at"), **{**facts, **changes}))  # type: ignore[arg-type]
    assert made.forecast is not None
    return made.forecast


def test_figures() -> None:
    result = forecast()

    assert (result.rows, result.heap_bytes, result.index_bytes) == (10**6, 110_000_000, 40_000_000)
    assert result.disk_bytes == 180_000_000
    assert result.wal_bytes == 172_500_000
    assert result.seconds == pytest.approx(
        1.08 + 8.5
    )  # what a table costs without rows, and the rows
    assert result.basis.startswith("estimated from catalog statistics")


def test_rows_are_guessed_from_the_size_when_never_analyzed() -> None:
    assert forecast(rows=-1.0).rows == 1_000_000
    assert forecast(rows=0.0).rows == 0


def test_unlogged_table_writes_no_wal() -> None:
    assert forecast(persistence="u").wal_bytes == 0
