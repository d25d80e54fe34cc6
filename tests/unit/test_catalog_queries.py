from __future__ import annotations

import re
from importlib.resources import files

import pytest

from uuidmig.catalog.queries import load

NAMES = sorted(
    entry.name.removesuffix(".sql") for entry in files("uuidmig.catalog").joinpath("sql").iterdir()
)


@pytest.mark.parametrize("name", NAMES)
def test_every_query_says_its_name_and_purpose(name: str) -> None:
    first, second, *_ = load(name).splitlines()
    assert first == f"-- name: {name}"
    assert re.fullmatch(r"-- purpose: \S.+", second)


def test_a_query_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        load("nothing_of_this_name")
