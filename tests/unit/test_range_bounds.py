"""Bounds of partitions by range, as PostgreSQL writes them."""

from __future__ import annotations

import pytest

from uuidmig.planner.range_bounds import (
    Range,
    compared,
    read_range,
    read_ranges,
    runs,
    split_list,
)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("(id)", ("id",)),
        ("(created_at, id)", ("created_at", "id")),
        ('("a, b", "c""(d")', ('"a, b"', '"c""(d"')),
        ("(date_trunc('day, (', at), id)", ("date_trunc('day, (', at)", "id")),
        ('(((id)::text) COLLATE "C", f(a, (b)))', ('((id)::text) COLLATE "C"', "f(a, (b))")),
        ("('it''s, (', 5, MINVALUE)", ("'it''s, ('", "5", "MINVALUE")),
    ],
)
def test_split_list(text: str, elements: tuple[str, ...]) -> None:
    assert split_list(text) == elements


@pytest.mark.parametrize(
    ("bound", "found"),
    [
        ("FOR VALUES FROM (MINVALUE) TO ('4')", Range(("MINVALUE",), ("'4'",))),
        (
            "FOR VALUES FROM ('a'') TO (b', 1) TO ('MAXVALUE', MAXVALUE)",
            Range(("'a'') TO (b'", "1"), ("'MAXVALUE'", "MAXVALUE")),
        ),
        ("FOR VALUES FROM ('a\nb') TO ('c')", Range(("'a\nb'",), ("'c'",))),
        ("DEFAULT", None),
        ("FOR VALUES IN ('FROM (1) TO (2)')", None),
        ("FOR VALUES WITH (modulus 2, remainder 0)", None),
        (None, None),
    ],
)
def test_read_range(bound: str | None, found: Range | None) -> None:
    assert read_range(bound) == found


def _range(lower: str, upper: str) -> Range:
    return Range(split_list(f"({lower})"), split_list(f"({upper})"))


def test_what_no_bound_has_a_value_for_decides_nothing() -> None:
    monthly = (_range("'2024', MINVALUE", "'2025', MINVALUE"), _range("'2025', MINVALUE", "9, 9"))
    assert compared(("at", "id"), monthly[:1]) == ("at",)
    assert compared(("at", "id"), monthly) == ("at", "id")
    assert compared(("id",), [_range("MINVALUE", "MAXVALUE")]) == ()
    assert compared(("id", "n"), []) == ()
    # a text that reads MINVALUE is a value
    assert compared(("id",), [_range("'MINVALUE'", "MAXVALUE")]) == ("id",)


def test_ranges_are_joined_where_there_is_no_gap() -> None:
    ranges = (
        _range("'7', 2", "'8', 0"),
        _range("'3', 1", "'7', 1"),
        _range("MINVALUE, MINVALUE", "'3', 1"),
        _range("'8', 0", "MAXVALUE, MAXVALUE"),
    )
    assert set(runs(ranges)) == {
        _range("MINVALUE, MINVALUE", "'7', 1"),
        _range("'7', 2", "MAXVALUE, MAXVALUE"),
    }
    assert list(runs(read_ranges(["DEFAULT", None]))) == []
