"""Rewrite and default-only side by side: figures, and indexes for which version 7 does little."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from tests.unit.factories import (
    column,
    foreign_key,
    index,
    key,
    plan,
    primary,
    server,
    table,
    timestamp,
)
from uuidmig.planner import plan_hash
from uuidmig.planner.model import IndexOutlook, Plan, StrategyOutlook
from uuidmig.report.document import document
from uuidmig.report.plan_document import plan_document
from uuidmig.report.plan_table import plan_table


def shop() -> Plan:
    return plan(
        table("tenants", key(), timestamp("created_at"), rows=1000.0, heap_bytes=10_000_000),
        table(
            "seats",
            key("id"),
            column("tenant", not_null=True),
            timestamp("created_at"),
            keys=(foreign_key("tenants", "tenant"),),
            indexes=(
                primary("tenant", "id"),
                index("seats_number", "number", "id"),
                index("seats_id", "id", "number"),
                index("seats_tenant", "tenant"),
                index("seats_hash", "id", method="hash"),
                index("seats_broken", "id", valid=False),
            ),
        ),
        of=server(),
    )


def outlooks(of: Plan) -> tuple[StrategyOutlook, StrategyOutlook]:
    rewrite, default_only = of.strategies
    return rewrite, default_only


def places(outlook: StrategyOutlook) -> dict[str, tuple[str, int | None, float | None]]:
    def shown(found: IndexOutlook) -> tuple[str, int | None, float | None]:
        return found.place, found.density_percent, found.bytes_a_key

    return {f"{i.table.name}.{i.index.name}": shown(i) for i in outlook.indexes}


def test_indexes_of_root_keys_by_where_new_keys_land() -> None:
    rewrite, default_only = outlooks(shop())
    assert places(rewrite) == {
        "tenants.pkey": ("rightmost", 90, 31.6),
        "seats.pkey": ("follows-parent", None, None),
        "seats.seats_number": ("scattered", 50, None),
        "seats.seats_id": ("rightmost", 90, None),
    }
    assert places(default_only) == {
        "tenants.pkey": ("middle", 50, 56.9),
        "seats.pkey": ("scattered", 50, None),
        "seats.seats_number": ("scattered", 50, None),
        "seats.seats_id": ("middle", 50, None),
    }


def test_figures() -> None:
    made = shop()
    rewrite, default_only = outlooks(made)
    assert made.forecast is not None
    assert rewrite.disk_bytes == made.forecast.disk_bytes
    assert rewrite.wal_bytes == made.forecast.wal_bytes
    assert rewrite.seconds == made.forecast.seconds > 1.16  # two figures would be one too many
    assert rewrite.lock_ms == 28
    assert default_only.lock_ms == pytest.approx(5.6)
    assert default_only.disk_bytes == default_only.wal_bytes == 350_000
    assert (rewrite.columns, default_only.columns) == (2, 2)
    assert (rewrite.refusals, default_only.refusals) == (1, 0)  # the broken index


def test_a_replica_refuses_both() -> None:
    made = plan(table("t", key(), timestamp("created_at")), of=server(in_recovery=True))
    assert [outlook.refusals for outlook in made.strategies] == [1, 1]


def test_keys_of_the_application_get_no_default() -> None:
    made = plan(table("t", key(default=None), timestamp("created_at")))
    assert [outlook.columns for outlook in made.strategies] == [0, 0]


def test_for_people() -> None:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    made = shop()
    console.print(plan_table(made, (), plan_hash(made)))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    section = shown[shown.index("\nStrategies\n") : shown.index("\nRefusals")]
    assert [line.rstrip() for line in section.strip().splitlines()] == SHOWN.splitlines()


SHOWN = """\
Strategies
                    rewrite (this plan)                      default-only
----------------------------------------------------------------------------------------------------
present keys        become version 7                         stay as they are
defaults changed    2 columns                                2 columns
extra disk          9.5 MB at the peak                       341.8 kB at the peak
WAL                 11.0 MB                                  341.8 kB
time                about 1.2 s                              about 506 ms
longest lock        about 28 ms, and its wait                about 6 ms, and its wait
index pages         new ones 90 % full: new keys come last   new ones about 50 % full, for good: new
                                                             keys land among the random ones
index a new key     31.6 bytes                               56.9 bytes
stands against it   1 refusal                                nothing in the catalog

Version 7 keys do not help these indexes: they start with another column, so new keys land at the
end of each of its values and leave pages about 50 % full; random keys, about 70 %:
   public.seats_number (number, id), of public.seats

These indexes start with a reference. After a rewrite their new pages are 90 % full where rows soon
follow the row they reference, about 50 % where that lives long (a tenant); about 50 % with
default-only:
   public.pkey (tenant, id), of public.seats
"""


def test_for_programs() -> None:
    made = shop()
    text = document(plan_document(made, (), plan_hash(made)))
    strategies = json.loads(text)["strategies"]
    assert [entry["strategy"] for entry in strategies] == ["rewrite", "default-only"]
    assert strategies[0].keys() == {
        *("strategy", "columns", "disk_bytes", "wal_bytes", "seconds", "lock_ms", "refusals"),
        *("indexes", "basis"),
    }
    assert strategies[1]["indexes"][0] == {
        "index": "public.pkey",
        "table": "public.tenants",
        "columns": ["id"],
        "place": "middle",
        "density_percent": 50,
        "bytes_a_key": 56.9,
    }


def test_they_are_no_part_of_the_script_and_the_hash() -> None:
    made = shop()
    assert plan_hash(replace(made, strategies=())) == plan_hash(made)
