"""Several results files side by side: medians, ratios to the first, what got slower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from uuidmig.bench.differences import differences, interpreter, psycopg_implementation
from uuidmig.bench.results_file import Benchmark, NotRun, ResultsFile
from uuidmig.errors import ConfigurationError, DriversDiffer, NotComparable, SlowerThanAllowed

_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One benchmark in one file; the median in seconds per operation.

    `ratio` is the median divided by the first file's: above 1 is slower. None in the first file,
    and where that has no such benchmark or a median of 0. `within_spread` tells that the middle
    halves of the rounds of both overlap; None where there is no ratio or no quartiles.
    """

    median: float
    ratio: float | None
    within_spread: bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark in all files; None where a file has it not.

    `not_run` are the reasons of those files that tell why they have it not.
    """

    fullname: str
    name: str
    group: str | None
    figures: tuple[Figure | None, ...]
    not_run: tuple[str | None, ...]

    @property
    def cells(self) -> tuple[tuple[Figure | None, str | None], ...]:
        """Figure and reason of each file; at most one of the two is there."""
        return tuple(zip(self.figures, self.not_run, strict=True))


@dataclass(frozen=True, slots=True)
class Slower:
    """A benchmark that is slower in this file than the threshold allows."""

    fullname: str
    path: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of it. `differences` are the facts that are not the same in all files, in their order."""

    files: tuple[ResultsFile, ...]
    rows: tuple[Row, ...]
    differences: Mapping[str, tuple[str | None, ...]]
    threshold_percent: float | None
    slower: tuple[Slower, ...]

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The full names of the benchmarks that are not in all files, nobody says why."""
        return tuple(row.fullname for row in self.rows if (None, None) in row.cells)

    def require_threshold(self) -> None:
        """Raise SlowerThanAllowed when a benchmark is slower by more than the threshold."""
        if self.slower:
            lines = "\n".join(
                f"  - {one.fullname}: {one.ratio:.2f} times in {one.path}" for one in self.slower
            )
            raise SlowerThanAllowed(
                f"slower by more than {self.threshold_percent:g} % than {self.files[0].path}:"
                f"\n{lines}"
            )


def compare(files: Sequence[ResultsFile], threshold_percent: float | None = None) -> Comparison:
    """Compare all files with the first.

    ConfigurationError for fewer than two. NotComparable when one has no benchmark that the first
    has, and when the interpreter is not the same nor psycopg's implementation: nobody could tell
    which of the two made the difference.
    """
    if len(files) < 2:
        raise ConfigurationError("a comparison needs two results files or more")
    _require_common_benchmarks(files)
    _require_one_psycopg(files)
    rows = tuple(_rows(files))
    slower = () if threshold_percent is None else tuple(_slower(files, rows, threshold_percent))
    return Comparison(tuple(files), rows, differences(files), threshold_percent, slower)


def _require_common_benchmarks(files: Sequence[ResultsFile]) -> None:
    first = files[0]
    for other in files[1:]:
        if not first.by_name().keys() & other.by_name().keys():
            raise NotComparable(
                f"{other.path} has no benchmark that {first.path} has: {_names(other)} there,"
                f" {_names(first)} here; run the same benchmarks with the same parameters"
            )


def _names(file: ResultsFile) -> str:
    names = [benchmark.fullname for benchmark in file.benchmarks]
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _require_one_psycopg(files: Sequence[ResultsFile]) -> None:
    interpreters = {interpreter(file) for file in files} - {None}
    told = [(file.path, psycopg_implementation(file)) for file in files]
    if len(interpreters) > 1 and len({used for _, used in told} - {None}) > 1:
        raise DriversDiffer(told)


def _rows(files: Sequence[ResultsFile]) -> Iterator[Row]:
    columns = [file.by_name() for file in files]
    reasons = [{one.fullname: one.reason for one in file.not_run} for file in files]
    for one in _every(files):
        name = one.fullname
        base = columns[0].get(name)
        others = (_figure(column.get(name), base) for column in columns[1:])
        first = Figure(base.median, None, None) if base else None
        missing = tuple(
            None if name in column else why.get(name)
            for column, why in zip(columns, reasons, strict=True)
        )
        yield Row(name, one.name, one.group, (first, *others), missing)


def _every(files: Sequence[ResultsFile]) -> Iterable[Benchmark | NotRun]:
    """Return each benchmark once: those that were run somewhere, then those that never were."""
    every: dict[str, Benchmark | NotRun] = {}
    for file in files:
        for benchmark in file.benchmarks:
            every.setdefault(benchmark.fullname, benchmark)
    for file in files:
        for missing in file.not_run:
            every.setdefault(missing.fullname, missing)
    return every.values()


def _figure(found: Benchmark | None, base: Benchmark | None) -> Figure | None:
    if found is None:
        return None
    if base is None or not base.median:
        return Figure(found.median, None, None)
    return Figure(found.median, found.median / base.median, _overlap(found, base))


def _overlap(one: Benchmark, other: Benchmark) -> bool | None:
    if one.quartiles is None or other.quartiles is None:
        return None
    (low, high), (other_low, other_high) = one.quartiles, other.quartiles
    return low <= other_high and other_low <= high


def _slower(
    files: Sequence[ResultsFile], rows: Sequence[Row], threshold_percent: float
) -> Iterator[Slower]:
    for row in rows:
        for file, figure in zip(files, row.figures, strict=True):
            ratio = figure and figure.ratio
            if ratio and ratio > 1 + threshold_percent / 100:
                yield Slower(row.fullname, file.path, ratio)
