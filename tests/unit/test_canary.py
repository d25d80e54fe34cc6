"""The canary's figures, scaled; where it looks; and that its clock is a temporary one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.factories import foreign_key, key, plan, primary, table, timestamp
from uuidmig.catalog.model import RelationName
from uuidmig.engine.canary import run_canary, sample_ranges
from uuidmig.errors import ConfigurationError, PreflightRefused
from uuidmig.planner.canary import CanarySample, measured_forecast, measured_plan
from uuidmig.planner.model import Plan
from uuidmig.steps.canary import copy_range

ODD = "uuidmig.plan_time()"


def planned(**changes: object) -> Plan:
    facts: dict[str, object] = {
        "rows": 1_000_000.0,
        "heap_bytes": 100_000_000,
        "indexes": (primary("id", bytes=30_000_000),),
    }
    return plan(table("t", key(), timestamp(ODD), **{**facts, **changes}))  # type: ignore[arg-type]


SAMPLE = CanarySample(
    table=RelationName("public", "t"),
    rows=10_000,
    whole=False,
    seconds=0.1,
    heap_bytes=800_000,
    index_seconds=0.02,
    index_bytes=400_000,
)


def test_samples_are_scaled_to_all_rows() -> None:
    forecast = measured_forecast(planned(), [SAMPLE])
    assert (forecast.rows, forecast.heap_bytes, forecast.index_bytes) == (
        1_000_000,
        80_000_000,
        40_000_000,
    )
    assert forecast.disk_bytes == 160_000_000  # and sort space for the only index
    assert forecast.wal_bytes == 138_000_000
    assert forecast.seconds == pytest.approx(1.08 + 100 * 0.12 + 2)
    assert "10,000 rows really copied" in forecast.basis
    assert "100,000 rows/s" in forecast.basis


def test_a_whole_table_counts_as_it_is() -> None:
    forecast = measured_forecast(planned(), [replace(SAMPLE, whole=True)])
    assert (forecast.rows, forecast.heap_bytes) == (10_000, 800_000)


def test_an_empty_table_costs_what_any_table_does() -> None:
    nothing = replace(SAMPLE, rows=0, whole=True, heap_bytes=0, index_bytes=8192)
    assert measured_forecast(planned(), [nothing]).seconds == 1.08


def test_an_unlogged_table_writes_no_wal() -> None:
    assert measured_forecast(planned(persistence="u"), [SAMPLE]).wal_bytes == 0


def test_the_comparison_uses_what_was_measured() -> None:
    made = planned()
    rewrite, default_only = measured_plan(made, [SAMPLE]).strategies
    assert rewrite.seconds == pytest.approx(1.08 + 14)
    assert rewrite.basis.startswith("10,000 rows really copied")
    assert default_only == made.strategies[1]


@pytest.mark.parametrize(
    ("pages", "rows", "ranges"),
    [
        (0, 0.0, ((0, None),)),
        (300, 30_000.0, ((0, None),)),
        (10_000, 1_000_000.0, ((0, 100), (4950, 5050), (9900, 10_000))),
    ],
)
def test_ranges(pages: int, rows: float, ranges: tuple[tuple[int, int | None], ...]) -> None:
    assert sample_ranges(pages, rows) == ranges


def test_only_our_own_text_gets_the_temporary_clock() -> None:
    made = plan(table("t", key(), timestamp("created_at"), timestamp(ODD)))
    text = copy_range(made, made.tables[0], 0, 7).text
    assert f'"{ODD}"' in text
    ours = text.replace(f'"{ODD}"', "")
    assert "uuidmig." not in ours
    assert "pg_temp.plan_time()" in ours
    assert "pg_temp.horizon()" in ours


def test_what_has_no_canary() -> None:
    with pytest.raises(ConfigurationError, match="copies nothing"):
        run_canary(
            "", replace(made := planned(), options=replace(made.options, strategy="default-only"))
        )
    with pytest.raises(PreflightRefused, match="replica"):
        run_canary(
            "", plan(table("t", key(), timestamp("at")), of=replace(made.server, in_recovery=True))
        )


def test_references_are_read_from_their_parents() -> None:
    made = plan(
        table("customers", key(), timestamp("created_at")),
        table(
            "orders",
            key(),
            key("customer", default=None),
            keys=(foreign_key("customers", "customer"),),
        ),
    )
    text = copy_range(made, made.tables[1], 0, None).text
    assert 'LEFT JOIN "public"."customers"' in text
    assert "uuidmig.plan_time" not in text
