"""What a benchmark of the suite is, and what came of it: plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from uuidmig.bench.results import Result
from uuidmig.runtime import RuntimeInfo

Operation = Callable[[], object]
"""What is timed. What it returns is looked at once, before the clock runs."""

Open = Callable[[], AbstractContextManager[Operation]]


class Lacking(Exception):
    """This interpreter, environment or server has not what the benchmark needs; says what."""


@dataclass(frozen=True, slots=True)
class Case:
    """One benchmark. `open` makes ready what is not timed (pools, connections, data) and yields
    the operation; it raises Lacking. `right` tells whether the operation did what it should."""

    group: str
    name: str
    params: Mapping[str, object]
    open: Open
    right: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class NotRun:
    """A benchmark that could not be run here, and why."""

    group: str
    name: str
    params: Mapping[str, object]
    reason: str


@dataclass(frozen=True, slots=True)
class RuntimeReport:
    """A run of the suite. `pool` says where CPU-bound work goes in this interpreter; `libraries`
    are the versions of what it was measured with; `server_version` is None without a server."""

    info: RuntimeInfo
    pool: str
    libraries: Mapping[str, str | None]
    server_version: str | None
    iterations: int
    outcomes: tuple[Result | NotRun, ...]

    @property
    def results(self) -> tuple[Result, ...]:
        """What was measured."""
        return tuple(one for one in self.outcomes if isinstance(one, Result))

    @property
    def not_run(self) -> tuple[NotRun, ...]:
        """What was not."""
        return tuple(one for one in self.outcomes if isinstance(one, NotRun))


def plainly(operation: Operation) -> Open:
    """Return an `open` for what needs nothing to be made ready."""
    return lambda: nullcontext(operation)
