from __future__ import annotations

import pytest

from uuidmig.durations import parse_milliseconds


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("500ms", 500), ("2s", 2000), ("1min", 60_000), ("1.5 s", 1500), ("1h", 3_600_000), ("7", 7)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert parse_milliseconds(text) == milliseconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "0", "0.1ms", "5 parsecs", "1s 2ms", "nan"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="write 500ms, 2s or 1min"):
        parse_milliseconds(text)
