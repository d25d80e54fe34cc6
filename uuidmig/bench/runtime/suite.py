"""The suite: its benchmarks in their order, and running them."""

from __future__ import annotations

import gc
import platform
import statistics
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

import psycopg

from uuidmig.bench.results import Result, benchmark_name
from uuidmig.bench.runtime import compression, cpu, interpreter, keys, tasks
from uuidmig.bench.runtime.model import Case, Lacking, NotRun, Operation, RuntimeReport
from uuidmig.errors import WrongResult
from uuidmig.executors import choose_pool
from uuidmig.keymap.compression import zstd
from uuidmig.runtime import get_runtime_info

Say = Callable[[str], None]


def suite(dsn: str | None) -> Iterator[Case]:
    """Yield all benchmarks; some need the connection string of a server."""
    yield from cpu.cases()
    yield from keys.cases(dsn)
    yield from compression.cases()
    yield from tasks.cases(dsn)
    yield from interpreter.cases()


def run_suite(dsn: str | None, iterations: int, say: Say) -> RuntimeReport:
    """Run each benchmark so many times, after one time that does not count.

    What cannot be run here is in the report, with the reason. Raises WrongResult for a benchmark
    that did not do what it should, psycopg.Error.
    """
    info = get_runtime_info()
    return RuntimeReport(
        info=info,
        pool=str(choose_pool("cpu")),
        libraries=_libraries(),
        server_version=_server_version(dsn),
        iterations=iterations,
        outcomes=tuple(run_cases(suite(dsn), iterations, say)),
    )


def run_cases(cases: Iterable[Case], iterations: int, say: Say) -> Iterator[Result | NotRun]:
    """Yield the outcome of each."""
    group = None
    for case in cases:
        if case.group != group:
            group = case.group
            say(group)
        try:
            yield _run(case, iterations)
        except Lacking as reason:
            yield NotRun(case.group, case.name, case.params, str(reason))


def _run(case: Case, iterations: int) -> Result:
    with case.open() as operation:
        if not case.right(operation()):
            raise WrongResult(benchmark_name(case.name, case.params))
        gc.collect()  # what others left behind is not for this one to pay
        rounds = tuple(_seconds(operation) for _ in range(iterations))
    return Result(case.name, case.group, case.params, rounds, {"p95": percentile_95(rounds)})


def _seconds(operation: Operation) -> float:
    started = time.perf_counter()
    operation()
    return time.perf_counter() - started


def percentile_95(rounds: Sequence[float]) -> float:
    """Return what 95 % of the rounds do not exceed, between two rounds by linear interpolation."""
    if len(rounds) == 1:
        return rounds[0]
    return statistics.quantiles(rounds, n=20, method="inclusive")[-1]


def _libraries() -> dict[str, str | None]:
    module = zstd()
    found = module and f"{module.__name__}, libzstd {module.zstd_version}"
    return {
        "zstd": found,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "lz4": _version("lz4"),
        "uuid-utils": _version("uuid-utils"),
        "libc": " ".join(platform.libc_ver()).strip() or None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _server_version(dsn: str | None) -> str | None:
    if dsn is None:
        return None
    with psycopg.connect(dsn) as connection:
        return connection.info.parameter_status("server_version")
