"""The suite for interpreters: what runs it, and what becomes of what cannot be run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from uuidmig.bench.comparison import compare
from uuidmig.bench.results import Result
from uuidmig.bench.results_file import read_results
from uuidmig.bench.runtime import compression, cpu, interpreter, keys
from uuidmig.bench.runtime.document import runtime_document
from uuidmig.bench.runtime.model import (
    Case,
    Lacking,
    NotRun,
    Operation,
    RuntimeReport,
    plainly,
)
from uuidmig.bench.runtime.suite import percentile_95, run_cases, suite
from uuidmig.cli.app import app
from uuidmig.errors import WrongResult
from uuidmig.report.bench_runtime import runtime_report
from uuidmig.report.document import document
from uuidmig.runtime import get_runtime_info

RESULT = Result("sum", "arithmetic", {"of": 2}, (0.001, 0.002, 0.003), {"p95": 0.0029})
NOT_RUN = NotRun("arithmetic", "product", {}, "there is no\nmultiplication")


def report(*outcomes: Result | NotRun) -> RuntimeReport:
    libraries = {"zstd": None, "zlib": "1.3"}
    return RuntimeReport(get_runtime_info(), "2 threads: so", libraries, None, 3, outcomes)


def shown(*outcomes: Result | NotRun) -> str:
    console = Console(width=100, color_system=None, markup=False)
    with console.capture() as capture:
        console.print(runtime_report(report(*outcomes)))
    return capture.get()


def run_one(case: Case, iterations: int = 3) -> Result | NotRun:
    (outcome,) = run_cases([case], iterations, lambda _: None)
    return outcome


def test_a_case_runs_once_more_than_is_timed() -> None:
    calls: list[int] = []
    case = Case("arithmetic", "sum", {"of": 2}, plainly(lambda: calls.append(1)), lambda _: True)
    result = run_one(case, iterations=4)
    assert isinstance(result, Result)
    assert (len(calls), len(result.rounds)) == (5, 4)
    assert all(seconds >= 0 for seconds in result.rounds)


def test_what_lacks_something_is_not_run_and_says_why() -> None:
    @contextmanager
    def opened() -> Iterator[Operation]:
        raise Lacking("there is no multiplication")
        yield

    outcome = run_one(Case("arithmetic", "product", {}, opened, lambda _: True))
    assert outcome == NotRun("arithmetic", "product", {}, "there is no multiplication")


def test_a_wrong_result_is_no_measurement() -> None:
    with pytest.raises(WrongResult, match=r"benchmark sum\[of=2\] gave a wrong result"):
        run_one(Case("arithmetic", "sum", {"of": 2}, plainly(lambda: 3), (4).__eq__))


@pytest.mark.parametrize(
    ("rounds", "expected"), [((1.0,), 1.0), ((1.0, 2.0), 1.95), (tuple(range(101)), 95.0)]
)
def test_percentile(rounds: tuple[float, ...], expected: float) -> None:
    assert percentile_95(rounds) == pytest.approx(expected)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [(case.group, case.name, tuple(case.params.items())) for case in suite(None)]
    assert len(set(names)) == len(names)
    by = {case.params.get("by") for case in suite(None)}
    assert by >= {"one thread", *(f"{n} {kind}" for n in (2, 4, 8) for kind in ("threads",))}
    assert by >= {"8 processes", "stdlib", "uuidmig", "uuid-utils", "server", "zstd", "gzip", "lz4"}


@pytest.mark.parametrize(
    "case", list(interpreter.cases()), ids=[case.name for case in interpreter.cases()]
)
def test_work_of_the_interpreter_gives_what_it_should(case: Case) -> None:
    assert isinstance(run_one(case, iterations=1), Result)


@pytest.mark.parametrize("by", ["one thread", "2 threads", "4 processes"])
def test_cpu_bound_work_is_the_same_by_whomever(by: str) -> None:
    (case,) = (case for case in cpu.cases() if case.params["by"] == by)
    assert isinstance(run_one(case, iterations=1), Result)


def test_generators_here_or_not() -> None:
    for case in keys.cases(None):
        outcome = run_one(case, iterations=1)
        if isinstance(outcome, NotRun):
            assert outcome.params["by"] in ("stdlib", "uuid-utils", "server"), outcome
            assert outcome.reason
    (ours,) = (c for c in keys.cases(None) if c.params == {"by": "uuidmig", "threads": 8})
    assert ours.right([[]]) is False


def test_compression_comes_back() -> None:
    assert compression.key_map(1000) == compression.key_map(1000)
    assert compression.key_map(1000).startswith(b"table,old,new\nshop.orders,")
    for case in compression.cases():
        if case.group.startswith("100 KB"):
            outcome = run_one(case, iterations=1)
            assert isinstance(outcome, Result) or case.params["by"] in ("zstd", "lz4"), outcome


def test_the_table() -> None:
    lines = [line.split() for line in shown(RESULT, NOT_RUN).splitlines()]
    assert ["Name", "Mean", "Std", "P95", "Ops/sec"] in lines
    assert ["sum[of=2]", "2.000", "1.000", "2.900", "500.0"] in lines
    assert ["product", "not", "run:", "there", "is", "no", "multiplication"] in lines
    (features,) = (line for line in lines if line[:1] == ["features"])
    assert {"free_threading", "uuid7", "compression_zstd", "improved_errors"} < set(features)


def test_the_file_is_read_by_compare(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(document(runtime_document(report(RESULT, NOT_RUN), "uuidmig bench runtime")))
    file = read_results(path)
    assert [one.fullname for one in file.benchmarks] == ["arithmetic::sum[of=2]"]
    assert [(one.fullname, one.reason) for one in file.not_run] == [
        ("arithmetic::product", "there is no\nmultiplication")
    ]
    rows = compare([file, file]).rows
    assert [row.not_run for row in rows] == [(None, None), (NOT_RUN.reason, NOT_RUN.reason)]
    body = json.loads(path.read_text())
    assert body["runtime"]["features"].keys() == get_runtime_info().features.keys()
    assert body["benchmarks"][0]["extra_info"]["p95"] == 0.0029
    assert "node" not in body["machine_info"]


def test_a_folder_that_is_not_there_is_told_before_the_run(tmp_path: Path) -> None:
    command = ["bench", "runtime", "--output", str(tmp_path / "none" / "a.json")]
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no folder" in result.stderr
