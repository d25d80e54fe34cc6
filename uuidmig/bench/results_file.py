"""Reading results files: ours, and those that pytest-benchmark wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from uuidmig.errors import UnusableResults

Object = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark of a file; times in seconds per operation.

    `fullname` names it across files. `quartiles` (the first and the third) and `fastest` (of all
    rounds) are None where the file has none, `group` where it belongs to none.
    """

    fullname: str
    name: str
    group: str | None
    median: float
    quartiles: tuple[float, float] | None
    rounds: int
    fastest: float | None = None


@dataclass(frozen=True, slots=True)
class NotRun:
    """A benchmark that this file has no figures of, and why."""

    fullname: str
    name: str
    group: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """One file. `machine`, `commit` and `settings` are empty, the texts None, where it has none.

    `not_run` are benchmarks that could not be run there; only files of `bench runtime` tell.
    """

    path: str
    benchmarks: tuple[Benchmark, ...]
    machine: Object
    commit: Object
    settings: Object
    made_at: str | None
    command: str | None
    not_run: tuple[NotRun, ...] = ()

    def by_name(self) -> dict[str, Benchmark]:
        """Return the benchmarks by their full names."""
        return {benchmark.fullname: benchmark for benchmark in self.benchmarks}


def read_results(path: Path) -> ResultsFile:
    """Return what a results file holds; raises UnusableResults for one that is none."""
    body = _Part(str(path), "", _load(path))
    benchmarks = tuple(map(_benchmark, body.parts("benchmarks")))
    names = [benchmark.fullname for benchmark in benchmarks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UnusableResults(str(path), f"{min(twice)} is there more than once")
    return ResultsFile(
        path=str(path),
        benchmarks=benchmarks,
        machine=body.objects("machine_info"),
        commit=body.objects("commit_info"),
        settings=body.objects("settings"),
        made_at=body.text_or_none("datetime"),
        command=body.text_or_none("command"),
        not_run=tuple(map(_not_run, body.parts("not_run"))) if body.content.get("not_run") else (),
    )


def _load(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableResults(str(path), f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UnusableResults(str(path), f"is no JSON: {error}") from error


def _benchmark(part: _Part) -> Benchmark:
    stats = part.part("stats")
    quartiles = [stats.number(name) for name in ("q1", "q3") if name in stats.content]
    return Benchmark(
        fullname=part.text("fullname"),
        name=part.text("name"),
        group=part.text_or_none("group"),
        median=stats.number("median"),
        quartiles=(quartiles[0], quartiles[1]) if len(quartiles) == 2 else None,
        rounds=round(stats.number("rounds")),
        fastest=stats.number("min") if "min" in stats.content else None,
    )


def _not_run(part: _Part) -> NotRun:
    return NotRun(
        fullname=part.text("fullname"),
        name=part.text("name"),
        group=part.text_or_none("group"),
        reason=part.text("reason"),
    )


class _Part:
    """An object of the file, and where in it: every complaint names the place."""

    def __init__(self, path: str, place: str, content: object) -> None:
        self._path, self._place = path, place
        if not isinstance(content, dict):
            raise UnusableResults(path, f"{place or 'the document'} is no object")
        self.content: Object = content

    def part(self, key: str) -> _Part:
        return _Part(self._path, self._name(key), self.content.get(key))

    def parts(self, key: str) -> list[_Part]:
        found = self.content.get(key)
        if not isinstance(found, list) or not found:
            raise UnusableResults(self._path, f"has no {self._name(key)}")
        return [
            _Part(self._path, f"{self._name(key)}[{number}]", one)
            for number, one in enumerate(found)
        ]

    def objects(self, key: str) -> Object:
        return self.part(key).content if key in self.content else {}

    def text(self, key: str) -> str:
        found = self.content.get(key)
        if not isinstance(found, str):
            raise UnusableResults(self._path, f"{self._name(key)} is no text")
        return found

    def text_or_none(self, key: str) -> str | None:
        return None if self.content.get(key) is None else self.text(key)

    def number(self, key: str) -> float:
        found = self.content.get(key)
        # NaN is JSON to Python, and an integer may be too large for a float.
        if not isinstance(found, int | float) or not 0 <= found < 1e300:
            raise UnusableResults(self._path, f"{self._name(key)} is no number from 0 on")
        return float(found)

    def _name(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key
