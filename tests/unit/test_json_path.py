"""Paths into documents: read, and written as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uuidmig.planner.json_path import JsonPath, read_path, write_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$", ()),
        ("$.order_id", ("order_id",)),
        ("$[*]", (None,)),
        ("$[*][*].x", (None, None, "x")),
        ('$.items[*]."Item No."', ("items", None, "Item No.")),
        (r'$."a \"b\" \\ \u00e9".c', ('a "b" \\ é', "c")),
        ('$.""."0"', ("", "0")),
    ],
)
def test_steps(text: str, steps: JsonPath) -> None:
    assert read_path(text) == steps


@pytest.mark.parametrize(
    "text",
    [
        "",
        "order_id",
        "$order_id",
        "$.",
        "$.*",
        "$.items[0]",
        "$.items[*",
        "$.order id",
        "$.order-id",
        "$.0",
        '$."open',
        r'$."\x"',
        r'$."\u0000"',
        r'$."\ud83d"',
        "$.names.keyvalue().key",
        "$ .a",
        "$.a ",
        "$.été",
    ],
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_path(text)


@given(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
)
def test_what_is_written_is_read_again(steps: list[str | None]) -> None:
    assert read_path(write_path(tuple(steps))) == tuple(steps)
