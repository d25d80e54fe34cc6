"""Fixtures of the acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.shop import Shop, open_shop
from tests.servers import TestDatabase


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[Shop]:
    """A small shop: some hundred orders, two thousand rows."""
    with open_shop(database, orders=200) as opened:
        yield opened
