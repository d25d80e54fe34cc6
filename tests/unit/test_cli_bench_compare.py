"""`uuidmig bench compare` from the command line, and pytest-benchmark's own command beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Ran

from uuidmig.bench.results import Result, document
from uuidmig.cli.app import app
from uuidmig.report.document import document as as_text

SUITE = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_sum(benchmark, number):
    benchmark.pedantic(sum, (range(number),), rounds=3)
"""


def our_file(path: Path, **seconds: float) -> Path:
    """A results file of ours: each benchmark took this long in every of three rounds."""
    results = [Result(name, "inserts", {"batch": 10}, (s, s, s), {}) for name, s in seconds.items()]
    body = document(results, command="uuidmig bench x", settings={}, extra={"ratios": {}})
    path.write_text(as_text(body))
    return path


def python(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python as somebody in another folder would, with no configuration of ours in reach."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV_"))}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def their_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results file that pytest-benchmark wrote."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_sums.py").write_text(SUITE)
    python(
        folder, "-m", "pytest", "-p", "no:randomly", "--benchmark-json=theirs.json", "test_sums.py"
    )
    return folder / "theirs.json"


def run(*arguments: str | Path) -> Ran:
    return CliRunner().invoke(app, ["bench", "compare", *map(str, arguments)])


def test_the_table_is_data(tmp_path: Path) -> None:
    first = our_file(tmp_path / "a.json", uuid4=1.0, uuid7=2.0)
    result = run(first, our_file(tmp_path / "b.json", uuid4=1.5))
    assert result.exit_code == 0
    assert "uuid4[batch=10]   1.000 s   1.500 s (1.50)" in result.stdout
    assert "not in all files, so not compared: inserts::uuid7[batch=10]" in result.stderr
    assert run(first, first, "-q").stderr == ""


def test_a_file_of_pytest_benchmark(their_file: Path) -> None:
    result = run(their_file, their_file, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["schema_version"] == 1
    assert [benchmark["fullname"] for benchmark in found["benchmarks"]] == [
        "test_sums.py::test_sum[1]",
        "test_sums.py::test_sum[2]",
    ]
    assert [benchmark["ratios"] for benchmark in found["benchmarks"]] == [[None, 1.0]] * 2


def test_the_threshold_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    pair = our_file(tmp_path / "a.json", uuid7=1.0), our_file(tmp_path / "b.json", uuid7=1.11)
    assert run(*pair, "--threshold", "12%").exit_code == 0
    result = run(*pair, "--threshold", "10 %", "--json")
    assert result.exit_code == 6
    assert json.loads(result.stdout)["slower"][0]["ratio"] == 1.11
    assert "error: slower by more than 10 %" in result.stderr
    assert "inserts::uuid7[batch=10]: 1.11 times" in result.stderr


@pytest.mark.parametrize("threshold", ["10", "0.1", "-1%", "many%", "nan%", "%"])
def test_a_threshold_is_a_percentage(tmp_path: Path, threshold: str) -> None:
    path = our_file(tmp_path / "a.json", uuid7=1.0)
    result = run(path, path, f"--threshold={threshold}")
    assert result.exit_code == 2
    assert "expected is a percentage such as 10%" in result.stderr


def test_what_is_no_comparison_is_refused(tmp_path: Path, their_file: Path) -> None:
    result = run(our_file(tmp_path / "a.json", uuid7=1.0), their_file)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "has no benchmark that" in result.stderr
    assert run(their_file).exit_code == 2
    assert run(their_file, tmp_path / "none.json").exit_code == 2


def test_pytest_benchmark_compares_our_files(tmp_path: Path) -> None:
    """Its own command line, not only its code: that is what people type."""
    first = our_file(tmp_path / "a.json", uuid4=1.0, uuid7=2.0)
    second = our_file(tmp_path / "b.json", uuid4=1.5, uuid7=2.0)
    printed = python(tmp_path, "-m", "pytest_benchmark", "compare", first, second).stdout
    assert "benchmark 'inserts': 4 tests" in printed
    assert "uuid4[batch=10]" in printed
    assert "1.5000 (1.50)" in printed
    assert "Failed to load" not in printed
    grouped = "--group-by=param:batch,func"
    printed = python(tmp_path, "-m", "pytest_benchmark", "compare", first, second, grouped).stdout
    assert "benchmark 'batch=10 uuid7': 2 tests" in printed
