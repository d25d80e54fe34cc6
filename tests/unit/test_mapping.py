from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uuidmig.keys.decode import key_time
from uuidmig.keys.mapping import EPOCH, borrowed_key, key_version, new_key

OLD = UUID("11111111-2222-4333-9abc-0123456789ab")
PLAN_TIME = datetime(2026, 11, 22, 12, tzinfo=UTC)
HORIZON = PLAN_TIME + timedelta(hours=1)

timestamps = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(2026, 11, 22, 12), timezones=st.just(UTC)
)


def mapped(timestamp: datetime | None, old: UUID = OLD, *, convert_other: bool = False) -> UUID:
    return new_key(
        old, timestamp, plan_time=PLAN_TIME, horizon=HORIZON, convert_other=convert_other
    )


def test_known_key() -> None:
    made = datetime(2022, 2, 22, 19, 22, 22, 500, tzinfo=UTC)  # RFC 9562's example plus 500 µs

    assert mapped(made) == UUID("017f22e2-79b0-7800-9abc-0123456789ab")


@given(timestamps, st.uuids(version=4))
def test_new_key_is_version_7_of_that_time_with_the_old_tail(made: datetime, old: UUID) -> None:
    key = mapped(made, old)

    assert key.version == 7
    assert key.bytes[8:] == old.bytes[8:]
    assert key_time(key) == made


@given(timestamps, timestamps, st.uuids(version=4), st.uuids(version=4))
def test_keys_sort_like_their_timestamps(a: datetime, b: datetime, old: UUID, other: UUID) -> None:
    if a != b:
        assert (mapped(a, old) < mapped(b, other)) == (a < b)


@pytest.mark.parametrize(
    ("timestamp", "counts_as"),
    [
        (None, PLAN_TIME),
        (HORIZON, HORIZON),
        (HORIZON + timedelta(microseconds=1), PLAN_TIME),
        (datetime.max.replace(tzinfo=UTC), PLAN_TIME),
        (EPOCH - timedelta(microseconds=1), EPOCH),
        (datetime.min.replace(tzinfo=UTC), EPOCH),
    ],
)
def test_clamped(timestamp: datetime | None, counts_as: datetime) -> None:
    assert key_time(mapped(timestamp)) == counts_as


@pytest.mark.parametrize("version", [0, 1, 3, 5, 8, 15])
def test_other_versions_are_mapped_only_on_demand(version: int) -> None:
    old = UUID(bytes=OLD.bytes[:6] + bytes([version << 4, 0x22]) + OLD.bytes[8:])

    assert mapped(PLAN_TIME, old) == old
    assert key_version(mapped(PLAN_TIME, old, convert_other=True)) == 7


def test_version_7_stays() -> None:
    key = mapped(EPOCH)

    assert mapped(PLAN_TIME, key, convert_other=True) == key


def test_version_is_the_nibble_whatever_the_variant() -> None:
    odd_variant = UUID("11111111-2222-4333-1abc-0123456789ab")

    assert mapped(PLAN_TIME, odd_variant) != odd_variant


def test_borrowed_key_takes_the_parents_first_half() -> None:
    parent = mapped(datetime(2020, 1, 1, tzinfo=UTC), UUID(int=7 << 64 | 4 << 76))

    key = borrowed_key(OLD, parent, plan_time=PLAN_TIME)

    assert key.bytes == parent.bytes[:8] + OLD.bytes[8:]


@pytest.mark.parametrize("parent", [None, UUID(int=0)])
def test_borrowing_from_no_version_7_gives_plan_time(parent: UUID | None) -> None:
    assert borrowed_key(OLD, parent, plan_time=PLAN_TIME) == mapped(None)


def test_borrowed_key_leaves_version_7_alone() -> None:
    assert borrowed_key(mapped(EPOCH), mapped(PLAN_TIME), plan_time=PLAN_TIME) == mapped(EPOCH)
