from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest

from uuidmig.catalog.model import KeyCounts, RelationName
from uuidmig.planner.model import Generator, TimestampSource
from uuidmig.report.document import SCHEMA_VERSION, document, plain
from uuidmig.report.plan_words import describe_generator, describe_keys, describe_timestamp
from uuidmig.report.units import count, counted, duration, one_line, share, size


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 kB"), (1024**2, "1.0 MB"), (5 * 1024**4, "5.0 TB")],
)
def test_size(octets: int, text: str) -> None:
    assert size(octets) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.35, "350 ms"),
        (4.21, "4.2 s"),
        (59.99, "1 min 00 s"),
        (125, "2 min 05 s"),
        (12000, "3 h 20 min"),
        (200_000, "2 d 07 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("part", "total", "text"),
    [
        (0, 0, "0 %"),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 1_000_000, "< 0.1 %"),
        (999_999, 1_000_000, "> 99.9 %"),
        (1, 3, "33.3 %"),
    ],
)
def test_a_share_is_0_or_100_only_when_it_is(part: int, total: int, text: str) -> None:
    assert share(part, total) == text


def test_count_and_one_line() -> None:
    assert count(1234567) == "1,234,567"
    assert counted(1, "table") == "1 table"
    assert (counted(0, "row"), counted(1234, "row")) == ("0 rows", "1,234 rows")
    assert one_line("a\nb\x1b[31m\u2028c é") == "a b [31m c é"


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    name: RelationName
    at: datetime
    parts: tuple[object, ...]


def test_a_document_is_plain_json() -> None:
    at = datetime(2026, 5, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    key = UUID("9f1c2d3e-4b5a-4c6d-8e7f-0123456789ab")
    thing = Thing(RelationName("public", "a b"), at, (key, Path("/x"), None, True, 1.5, Colour.RED))
    assert json.loads(document({"things": [thing]})) == {
        "schema_version": SCHEMA_VERSION,
        "things": [
            {
                "name": "public.a b",
                "at": "2026-05-01T12:00:00Z",
                "parts": [str(key), "/x", None, True, 1.5, "red"],
            }
        ],
    }
    assert plain(datetime(2026, 5, 1, tzinfo=UTC)) == "2026-05-01T00:00:00Z"


def test_what_has_no_json_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="no JSON form for object"):
        document({"x": object()})
    with pytest.raises(ValueError, match="Out of range"):
        document({"x": float("nan")})


def test_keys_say_whether_they_were_counted() -> None:
    assert describe_keys(KeyCounts(3, 1, 0, exact=True)) == "v4 75.0 %, v7 25.0 % of 4 (exact)"
    assert describe_keys(KeyCounts(0, 0, 9, exact=False)).endswith("(estimated from a sample)")
    assert describe_keys(KeyCounts(0, 0, 0, exact=True)) == "no rows"
    assert describe_keys(None) == "not counted"


def test_where_time_and_keys_come_from() -> None:
    column = TimestampSource("column", "its name", "at", "timestamp without time zone", "UTC")
    assert describe_timestamp(column) == "at (timestamp without time zone read as UTC): its name"
    parent = TimestampSource("parent", "none of its own", "order_id", foreign_key="items_fkey")
    assert "items_fkey (order_id)" in describe_timestamp(parent)
    assert describe_timestamp(TimestampSource("plan_time", "none")).startswith("plan time")
    server = Generator("server", "gen_random_uuid()", "uuidv7()")
    assert "gen_random_uuid() becomes uuidv7()" in describe_generator(server)
    assert "the application" in describe_generator(Generator("application"))
