"""Seconds by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stopwatch:
    """Notes how long each step took, in the order in which they ended."""

    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block; a name used again counts on."""
        started = time.monotonic()
        yield
        elapsed = time.monotonic() - started
        self.steps[name] = round(self.steps.get(name, 0.0) + elapsed, 3)
