"""What keys say about themselves; the vectors are those of RFC 9562, appendices A and B."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uuidmig.keys.decode import decode
from uuidmig.keys.generate import uuid7_at

EXAMPLE = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "version", "bits"),
    [
        (
            "C232AB00-9414-11EC-B3C8-9F6BDECED846",
            1,
            {"timestamp": 0x1EC9414C232AB00, "clock_seq": 0x33C8, "node": 0x9F6BDECED846},
        ),
        (
            "1EC9414C-232A-6B00-B3C8-9F6BDECED846",
            6,
            {"timestamp": 0x1EC9414C232AB00, "clock_seq": 0x33C8, "node": 0x9F6BDECED846},
        ),
        (
            "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
            7,
            {"unix_ts_ms": 0x17F22E279B0, "rand_a": 0xCC3, "rand_b": 0x18C4DC0C0C07398F},
        ),
    ],
)
def test_versions_with_a_time(key: str, version: int, bits: dict[str, int]) -> None:
    facts = decode(UUID(key))

    assert (facts.version, facts.created_at, facts.bits) == (version, EXAMPLE, bits)


@pytest.mark.parametrize(
    ("key", "version", "bits"),
    [
        (
            "919108F7-52D1-4320-9BAC-F847DB4148A8",
            4,
            {"random_a": 0x919108F752D1, "random_b": 0x320, "random_c": 0x1BACF847DB4148A8},
        ),
        (
            "2489E9AD-2EE2-8E00-8EC9-32D5F69181C0",
            8,
            {"custom_a": 0x2489E9AD2EE2, "custom_b": 0xE00, "custom_c": 0x0EC932D5F69181C0},
        ),
        ("5df41881-3aed-3515-88a7-2f4a814cf09e", 3, {}),
        ("2ed6657d-e927-568b-95e1-2665a8aea6a2", 5, {}),
    ],
)
def test_versions_without_a_time(key: str, version: int, bits: dict[str, int]) -> None:
    facts = decode(UUID(key))

    assert (facts.version, facts.created_at, facts.bits) == (version, None, bits)


@pytest.mark.parametrize("key", [UUID(int=0), UUID(int=2**128 - 1), UUID(int=7 << 76)])
def test_other_variants_have_no_version(key: UUID) -> None:
    assert decode(key).version is None


@given(st.uuids())
def test_every_key_has_facts(key: UUID) -> None:
    assert decode(key).key == key


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59), timezones=st.just(UTC))
)
def test_both_readings_of_a_version_7_key(made: datetime) -> None:
    facts = decode(uuid7_at(made))

    assert facts.finer_created_at == made
    assert facts.created_at == made - timedelta(microseconds=made.microsecond % 1000)


def test_a_version_1_key_of_the_standard_library() -> None:
    made = decode(uuid1()).created_at

    assert made is not None
    assert abs(made - datetime.now(UTC)) < timedelta(seconds=2)
