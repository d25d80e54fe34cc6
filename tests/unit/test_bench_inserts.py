"""The insert benchmark's arithmetic: sizes, orders, percentiles, ratios."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from uuid import UUID

import pytest

from uuidmig.bench.inserts.against import split_against
from uuidmig.bench.inserts.clients import ClientLog, Load
from uuidmig.bench.inserts.feed import Batch, Feed, _binary_keys
from uuidmig.bench.inserts.kinds import KINDS
from uuidmig.bench.inserts.pages import PageHealth
from uuidmig.bench.inserts.preload import _portions
from uuidmig.bench.inserts.ratios import new_page_density, ratios, without_generator
from uuidmig.bench.inserts.run import order_of
from uuidmig.bench.inserts.shapes import SHAPES
from uuidmig.bench.inserts.spec import (
    PRESETS,
    Preload,
    Spec,
    choose_kinds,
    parse_preload,
    parse_rows,
)
from uuidmig.bench.inserts.timeline import WalSamples, percentile, timeline
from uuidmig.bench.inserts.turn import Turn
from uuidmig.errors import ConfigurationError


def spec(**changes: object) -> Spec:
    given: dict[str, object] = {
        "kinds": tuple(KINDS.values()),
        "shape": SHAPES["plain"],
        "keys": "server",
        "preload": Preload(1000),
        "batch": 10,
        "clients": 1,
        "seconds": 1.0,
        "rounds": 1,
        **changes,
    }
    return Spec(**given)  # type: ignore[arg-type]


def turn(
    kind: str, round: int, rows: int, wal: int, density: float | None = None, seconds: float = 1.0
) -> Turn:
    return Turn(
        kind=kind,
        round=round,
        position=1,
        rows=rows,
        seconds=seconds,
        p50_ms=1,
        p95_ms=1,
        p99_ms=1,
        max_ms=1,
        wal_bytes=wal,
        index_bytes=8192,
        growth={},
        buffers=None,
        pages=PageHealth(new_page_density=density),
        timeline=(),
    )


@pytest.mark.parametrize(
    ("text", "rows"), [("1", 1), ("200k", 200_000), ("12M", 12_000_000), ("1.5k", 1500)]
)
def test_rows(text: str, rows: int) -> None:
    assert parse_rows(text) == rows
    assert parse_preload(text) == Preload(rows=rows)


@pytest.mark.parametrize("text", ["", "0", "-1", "4x", "1G", "0.1", "1 000"])
def test_no_rows(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_rows(text)


def test_preload_as_multiple_of_shared_buffers() -> None:
    assert parse_preload("4x").count(41_000_000) == 4_000_000
    assert parse_preload("10k").count(41_000_000) == 10_000
    with pytest.raises(ConfigurationError):
        parse_preload("0x")


def test_kinds_are_chosen_once_in_the_given_order() -> None:
    assert [kind.name for kind in choose_kinds("uuid7, uuid4,uuid7")] == ["uuid7", "uuid4"]
    with pytest.raises(ConfigurationError, match="uuid9"):
        choose_kinds("uuid4,uuid9")
    with pytest.raises(ConfigurationError):
        choose_kinds(",")


def test_larger_than_ram_is_larger_than_its_memory() -> None:
    preset = PRESETS["larger-than-ram"]
    rows = parse_preload(preset.preload).rows
    assert preset.memory == "400m"
    assert rows * 41 > 400 * 2**20


def test_order_is_the_same_for_a_seed_and_differs_by_round() -> None:
    kinds = list(KINDS.values())
    assert order_of(kinds, 1, 1) == order_of(kinds, 1, 1)
    orders = [tuple(kind.name for kind in order_of(kinds, 1, round)) for round in range(1, 21)]
    assert all(sorted(order) == sorted(KINDS) for order in orders)
    first = Counter(order[0] for order in orders)
    assert len(first) == len(KINDS)


def test_parts_of_the_key_space_get_all_rows_once() -> None:
    portions = list(_portions(spec(), KINDS["uuid4"], 1_000_003, 4 * 2**20))
    (first, *parts) = portions
    assert first == (0, 1, 10_000)
    assert sum(rows for _, _, rows in portions) == 1_000_003
    assert sorted(part for part, _, _ in parts) == list(range(len(parts)))
    assert [part for part, _, _ in parts] != sorted(part for part, _, _ in parts)
    assert max(rows for _, _, rows in parts) * 41 * 8 <= 4 * 2**20 * 1.01


@pytest.mark.parametrize("kind", ["uuid7", "bigint"])
def test_ordered_keys_come_in_order(kind: str) -> None:
    assert list(_portions(spec(), KINDS[kind], 1_000_003, 4 * 2**20)) == [(0, 1, 1_000_003)]


def test_percentiles() -> None:
    figures = [float(number) for number in range(1, 101)]
    assert [percentile(figures, p) for p in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 50) == 7.0


def test_time_line_holds_every_row_and_ends_with_the_last_batch() -> None:
    log = ClientLog(array("d", [10.1, 10.2, 10.6, 11.05]), array("d", [0.1, 0.1, 0.4, 0.45]))
    wal = WalSamples(lambda: 0, [10.0, 10.5, 11.05], [100, 300, 900])
    parts = list(timeline(Load(10.0, (log,), (1,)), spec(seconds=5.0), wal))
    assert [part.second for part in parts] == pytest.approx([0.5, 1.05])
    assert [part.rows_per_second for part in parts] == pytest.approx([20 / 0.5, 20 / 0.55])
    assert [part.p99_ms for part in parts] == pytest.approx([100, 450])
    assert [part.wal_bytes for part in parts] == [200, 600]


def test_ratios_are_taken_within_rounds() -> None:
    turns = [
        turn("uuid4", 1, 100, 1000),
        turn("uuid7", 1, 300, 900, 90.0),
        turn("uuid4", 2, 10, 1000),  # a slow round: both are
        turn("uuid7", 2, 20, 100, 89.0),
        turn("uuid4", 3, 100, 1000),
        turn("uuid7", 3, 200, 400, 88.0),
    ]
    found = ratios(turns)
    rows, wal = found["rows_per_second_uuid7_to_uuid4"], found["wal_per_row_uuid4_to_uuid7"]
    assert rows is not None
    assert (rows.median, rows.min, rows.max) == (2.0, 2.0, 3.0)
    assert wal is not None
    assert wal.median == pytest.approx(5.0)
    assert found["rows_per_second_mixed_to_uuid4"] is None
    assert new_page_density(turns) == {"uuid7": 88.0, "uuid4": None}


def test_time_of_making_keys_can_be_taken_off() -> None:
    turns = [turn("uuid4", 1, 100_000, 1), turn("uuid7", 1, 200_000, 1)]
    net = ratios(without_generator(turns, {"uuid4": 2.0, "uuid7": 6.0}, 2))
    rows = net["rows_per_second_uuid7_to_uuid4"]
    assert rows is not None
    assert rows.median == pytest.approx(2 * 0.9 / 0.4)


def test_feed_ends_after_so_many_batches() -> None:
    batches = [Batch((b"a",)), Batch((b"b",))]
    endless = Feed(deque(batches), True, 3)
    taken = [endless.take() for _ in range(4)]
    assert taken == [*batches, batches[0], None]
    once = Feed(deque(batches), False)
    assert once.spare() == batches[1]
    assert [once.take(), once.take()] == [batches[0], None]


def test_keys_in_binary() -> None:
    key = UUID("01a20000-0000-7000-8000-000000000001")
    assert _binary_keys([key]) == key.bytes
    two = _binary_keys([key, key])
    assert two[:20].hex() == "0000000100000000" + "00000b86" + "00000002" + "00000001"
    assert two[20:] == (b"\0\0\0\x10" + key.bytes) * 2


def test_table_comes_after_the_last_slash() -> None:
    assert split_against("shop.orders") == (None, "shop.orders")
    assert split_against("postgresql://h/db?sslmode=require/shop.orders") == (
        "postgresql://h/db?sslmode=require",
        "shop.orders",
    )
    assert split_against("host=/var/run dbname=x/orders") == ("host=/var/run dbname=x", "orders")
    with pytest.raises(ConfigurationError):
        split_against("postgresql://h/db/")
