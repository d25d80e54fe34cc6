"""Fixtures of the integration tests."""

from __future__ import annotations

from tests.acceptance.conftest import shop

__all__ = ["shop"]
