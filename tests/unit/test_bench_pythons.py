"""`make bench-pythons`: turns merged into one file, and the tables of docs/python314.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.pythons.interpreters import PYTHONS, Interpreter, Missing, find, order
from benchmarks.pythons.merge import merge
from benchmarks.pythons.page import PAGE, put, tables
from uuidmig.bench.comparison import compare
from uuidmig.bench.results import Result
from uuidmig.bench.results_file import read_results
from uuidmig.bench.runtime.document import runtime_document
from uuidmig.bench.runtime.model import NotRun, RuntimeReport
from uuidmig.errors import ConfigurationError
from uuidmig.report.document import document
from uuidmig.runtime import get_runtime_info

MISSING = Missing("3.14t", "no such interpreter was there")


def turn(*rounds: float, without: str | None = None) -> dict[str, Any]:
    outcomes: list[Result | NotRun] = [Result("sum", "work", {"of": 2}, rounds, {"p95": 0.0})]
    if without:
        outcomes.append(NotRun("work", "product", {}, without))
    else:
        outcomes.append(Result("product", "work", {}, rounds, {"p95": 0.0}))
    libraries = {"zlib": "1.3", "zstd": None}
    report = RuntimeReport(get_runtime_info(), "-", libraries, None, len(rounds), tuple(outcomes))
    body: dict[str, Any] = json.loads(document(runtime_document(report, "uuidmig bench runtime")))
    return body


def test_turns_become_one_file() -> None:
    merged = merge([turn(1.0, 2.0), turn(3.0)], "make bench-pythons")
    first = merged["benchmarks"][0]
    assert first["stats"]["data"] == [1.0, 2.0, 3.0]
    assert (first["stats"]["median"], first["stats"]["rounds"]) == (2.0, 3)
    assert first["extra_info"]["p95"] == pytest.approx(2.9)
    assert merged["settings"]["iterations"] == 3
    assert merged["settings"]["turns"] == 2
    assert merged["command"] == "make bench-pythons"


def test_each_begins_a_turn() -> None:
    three = [Interpreter(name, Path(name)) for name in "abc"]
    assert ["".join(one.name for one in order(three, turn)) for turn in range(4)] == [
        *("abc", "bca", "cab", "abc")
    ]


def test_an_interpreter_that_is_not_there() -> None:
    assert find("3.99") == Missing("3.99", "no such interpreter was there")


def test_the_tables(tmp_path: Path) -> None:
    paths = [tmp_path / "runtime-3.12.json", tmp_path / "runtime-3.14.json"]
    bodies = turn(0.002, without="no numbers"), turn(0.001)
    for path, body in zip(paths, bodies, strict=True):
        path.write_text(json.dumps(body))
    text = tables(compare([read_results(path) for path in paths]), [MISSING])
    assert "| fastest round (ratio to the first) | 3.12 | 3.14 | 3.14t |" in text
    assert "| `sum[of=2]` | 2.000 ms | 1.000 ms (0.50) | not run |" in text
    assert "| `product` | not run | 1.000 ms | not run |" in text
    assert "| 3.14t | not run: no such interpreter was there | not run |" in text
    assert "- 3.12: `product`: no numbers" in text
    assert str(tmp_path) not in text


def test_they_take_the_place_of_former_ones(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n\n<!-- bench-pythons -->\nold\n<!-- /bench-pythons -->\n\nTail\n")
    for _ in range(2):
        put("| new |", page)
        assert page.read_text() == (
            "# Head\n\n<!-- bench-pythons -->\n\n| new |\n\n<!-- /bench-pythons -->\n\nTail\n"
        )
    page.write_text("# Head\n")
    with pytest.raises(ConfigurationError, match=r"page.md has no <!-- bench-pythons -->"):
        put("| new |", page)


def test_the_page_has_its_place_and_names_every_interpreter() -> None:
    _, start, rest = PAGE.read_text().partition("<!-- bench-pythons -->")
    written, end, _ = rest.partition("<!-- /bench-pythons -->")
    assert start
    assert end
    assert [name for name in PYTHONS if f"| {name} |" not in written] == []
