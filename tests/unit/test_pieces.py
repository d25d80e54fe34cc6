"""The pages of a batch in pieces: each once, none left out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uuidmig.engine.pace import GRANULE_ROWS
from uuidmig.engine.pieces import PIECE_ROWS, page_ranges


@given(
    first=st.integers(0, 10**6),
    pages=st.integers(0, 10**4),
    open_ended=st.booleans(),
    batch=st.none() | st.integers(1, 10**6),
)
def test_every_page_is_in_one_range(
    first: int, pages: int, open_ended: bool, batch: int | None
) -> None:
    end = first + pages
    last = None if open_ended else end
    ranges = list(page_ranges(first, last, end, batch))
    assert ranges[0][0] == first
    assert ranges[-1][1] == last
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert len(ranges) <= max(1, (batch or GRANULE_ROWS) // PIECE_ROWS)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (None, [(100, 110), (110, 120), (120, 130)]),
        (3_000, [(100, 110), (110, 120), (120, 130)]),
        (500, [(100, 130)]),
    ],
)
def test_a_piece_has_about_as_many_rows_as_it_should(
    batch: int | None, expected: list[tuple[int, int]]
) -> None:
    pages = 30 if batch else 100
    assert list(page_ranges(100, 100 + pages, 100 + pages, batch))[:3] == expected
