"""Reading results files: ours, pytest-benchmark's, and what is neither."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from uuidmig.bench.results import Result, document
from uuidmig.bench.results_file import Benchmark, read_results
from uuidmig.errors import UnusableResults
from uuidmig.report.document import document as as_text

THEIRS = {
    "machine_info": {"node": "vm", "python_version": "3.13.0"},
    "benchmarks": [
        {
            "group": None,
            "name": "test_a[1]",
            "fullname": "test_x.py::test_a[1]",
            "stats": {"median": 9.5e-06, "q1": 9.4e-06, "q3": 1e-05, "rounds": 5},
        }
    ],
    "datetime": "2026-11-24T16:44:33+00:00",
    "version": "5.3.1",
}


def written(folder: Path, content: object) -> Path:
    path = folder / "results.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_our_own_files(tmp_path: Path) -> None:
    results = [Result("uuid7", "inserts", {"batch": 10}, (1.0, 2.0, 4.0), {})]
    body = document(results, command="uuidmig bench x", settings={"rows": 1}, extra={})
    file = read_results(written(tmp_path, as_text(body)))
    name = "uuid7[batch=10]"
    expected = Benchmark(f"inserts::{name}", name, "inserts", 2.0, (1.25, 3.5), 3, fastest=1.0)
    assert file.benchmarks == (expected,)
    assert file.command == "uuidmig bench x"
    assert file.settings == {"rows": 1}
    assert file.machine == body["machine_info"]
    assert file.commit == body["commit_info"]
    assert file.made_at == body["datetime"]


def test_files_of_pytest_benchmark(tmp_path: Path) -> None:
    file = read_results(written(tmp_path, THEIRS))
    name = "test_a[1]"
    assert file.benchmarks == (
        Benchmark(f"test_x.py::{name}", name, None, 9.5e-06, (9.4e-06, 1e-05), 5),
    )
    assert (file.command, file.settings, file.commit) == (None, {}, {})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("\ud800".encode("utf-16", "surrogatepass").decode("latin-1"), "is no JSON"),
        ([1], "the document is no object"),
        ({"schema_version": 1, "indexes": []}, "has no benchmarks"),
        ({"benchmarks": []}, "has no benchmarks"),
        ({"benchmarks": [1]}, "benchmarks[0] is no object"),
    ],
)
def test_what_is_no_results_file(tmp_path: Path, content: object, complaint: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(UnusableResults) as caught:
        read_results(path)
    assert f"{path}: {complaint}" in str(caught.value)
    assert "`pytest --benchmark-json` wrote" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        (["benchmarks", 0, "stats"], None, "benchmarks[0].stats is no object"),
        (["benchmarks", 0, "stats", "median"], None, "benchmarks[0].stats.median is no number"),
        (["benchmarks", 0, "stats", "median"], "1", "benchmarks[0].stats.median is no number"),
        (["benchmarks", 0, "stats", "median"], -1, "benchmarks[0].stats.median is no number"),
        (["benchmarks", 0, "stats", "median"], 10**400, "benchmarks[0].stats.median is no number"),
        (["benchmarks", 0, "stats", "q1"], float("nan"), "benchmarks[0].stats.q1 is no number"),
        (["benchmarks", 0, "fullname"], 7, "benchmarks[0].fullname is no text"),
        (["benchmarks", 0, "group"], 7, "benchmarks[0].group is no text"),
        (["machine_info"], [], "machine_info is no object"),
        (["datetime"], 7, "datetime is no text"),
    ],
)
def test_complaints_name_the_place(
    tmp_path: Path, place: list[Any], value: object, complaint: str
) -> None:
    content: Any = copy.deepcopy(THEIRS)
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(UnusableResults) as caught:
        read_results(written(tmp_path, content))
    assert complaint in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnusableResults, match=r"none\.json: cannot be read: No such file"):
        read_results(tmp_path / "none.json")


def test_a_benchmark_that_is_there_twice(tmp_path: Path) -> None:
    content = {**THEIRS, "benchmarks": THEIRS["benchmarks"] * 2}  # type: ignore[operator]
    with pytest.raises(UnusableResults, match="more than once"):
        read_results(written(tmp_path, content))


def test_a_file_without_quartiles(tmp_path: Path) -> None:
    content: Any = copy.deepcopy(THEIRS)
    del content["benchmarks"][0]["stats"]["q3"]
    assert read_results(written(tmp_path, content)).benchmarks[0].quartiles is None
