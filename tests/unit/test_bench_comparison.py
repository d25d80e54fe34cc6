"""Results files side by side: ratios, thresholds, and what is no comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from uuidmig.bench.comparison import Figure, Slower, compare
from uuidmig.bench.differences import differences, interpreter
from uuidmig.bench.results_file import Benchmark, NotRun, ResultsFile
from uuidmig.errors import ConfigurationError, DriversDiffer, NotComparable, SlowerThanAllowed
from uuidmig.report.bench_comparison import comparison_document, comparison_table, time_text
from uuidmig.report.document import plain

PYTHON_313 = {"python_implementation": "CPython", "python_version": "3.13.0"}
PYTHON_314 = {"python_implementation": "CPython", "python_version": "3.14.0"}


def benchmark(
    name: str, median: float, *, spread: float | None = 0.0, group: str | None = "inserts"
) -> Benchmark:
    quartiles = None if spread is None else (median - spread, median + spread)
    return Benchmark(f"{group}::{name}", name, group, median, quartiles, 5)


def file(path: str, *benchmarks: Benchmark, **changes: Any) -> ResultsFile:
    empty = ResultsFile(path, benchmarks, {}, {}, {}, None, None)
    return replace(empty, **changes)


def missing(name: str, reason: str) -> NotRun:
    return NotRun(f"inserts::{name}", name, "inserts", reason)


def machine(python: dict[str, object], psycopg: str | None) -> dict[str, object]:
    return python if psycopg is None else {**python, "psycopg": {"implementation": psycopg}}


def rendered(*files: ResultsFile, threshold: float | None = None, width: int = 120) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(comparison_table(compare(files, threshold)))
    return capture.get()


def test_ratios_are_to_the_first_file() -> None:
    first = file("a", benchmark("uuid4", 2.0), benchmark("uuid7", 4.0))
    second = file("b", benchmark("uuid7", 2.0), benchmark("uuid4", 3.0))
    third = file("c", benchmark("uuid4", 2.0))
    rows = compare([first, second, third]).rows
    assert [row.fullname for row in rows] == ["inserts::uuid4", "inserts::uuid7"]
    assert rows[0].figures == (
        Figure(2.0, None, None),
        Figure(3.0, 1.5, False),
        Figure(2.0, 1.0, True),
    )
    assert rows[1].figures == (Figure(4.0, None, None), Figure(2.0, 0.5, False), None)


def test_what_the_first_file_lacks_has_no_ratio() -> None:
    found = compare([file("a", benchmark("x", 1.0)), file("b", *map(benchmark, "xy", (1.0, 2.0)))])
    assert found.rows[1].figures == (None, Figure(2.0, None, None))
    assert found.incomplete == ("inserts::y",)


def test_nothing_is_slower_than_a_time_too_short_to_measure() -> None:
    pair = [file("a", benchmark("x", 0.0)), file("b", benchmark("x", 1.0))]
    assert compare(pair, 10).rows[0].figures[1] == Figure(1.0, None, None)


@pytest.mark.parametrize(("spread", "within"), [(0.25, True), (0.2, False), (None, None)])
def test_spreads_that_overlap(spread: float | None, within: bool | None) -> None:
    pair = [
        file("a", benchmark("x", 1.0, spread=spread)),
        file("b", benchmark("x", 1.5, spread=spread)),
    ]
    for files in (pair, pair[::-1]):
        figure = compare(files).rows[0].figures[1]
        assert figure is not None
        assert figure.within_spread is within


@pytest.mark.parametrize(("median", "slower"), [(1.1, False), (1.11, True), (0.5, False)])
def test_threshold(median: float, slower: bool) -> None:
    pair = file("a", benchmark("x", 2.0)), file("b", benchmark("x", 2.0 * median))
    found = compare(pair, 10.0)
    assert found.slower == ((Slower("inserts::x", "b", median),) if slower else ())
    if slower:
        with pytest.raises(SlowerThanAllowed, match=r"more than 10 % than a:\n  - inserts::x: 1\."):
            found.require_threshold()
    else:
        found.require_threshold()
    assert SlowerThanAllowed.exit_code == 6


def test_without_a_threshold_nothing_is_too_slow() -> None:
    compare([file("a", benchmark("x", 1.0)), file("b", benchmark("x", 9.0))]).require_threshold()


def test_what_was_not_run_says_why() -> None:
    reason = "uuid.uuid7 came with Python 3.14"
    first = file("a", benchmark("x", 1.0), not_run=(missing("uuid7", reason), missing("lz4", "-")))
    second = file("b", benchmark("x", 1.0), benchmark("uuid7", 2.0), not_run=(missing("lz4", "-"),))
    found = compare([first, second])
    assert [(row.name, row.not_run) for row in found.rows] == [
        ("x", (None, None)),
        ("uuid7", (reason, None)),
        ("lz4", ("-", "-")),
    ]
    assert found.rows[1].figures == (None, Figure(2.0, None, None))
    assert found.incomplete == ()
    text = rendered(first, second)
    assert ["uuid7", "not", "run", "2.000", "s"] in [line.split() for line in text.splitlines()]
    assert f"uuid7: {reason}" in text


def test_interpreters_are_named_where_they_differ() -> None:
    first, second = (
        file(path, benchmark("x", 1.0), machine=python)
        for path, python in (("a", PYTHON_313), ("b", PYTHON_314))
    )
    header = next(line for line in rendered(first, second).splitlines() if "benchmark " in line)
    assert header.split() == ["benchmark", "CPython", "3.13.0", "CPython", "3.14.0"]
    assert "CPython" not in rendered(first, first)


def test_one_file_is_no_comparison() -> None:
    with pytest.raises(ConfigurationError, match="two results files or more"):
        compare([file("a", benchmark("x", 1.0))])


def test_files_without_a_common_benchmark_are_refused() -> None:
    first = file("a", benchmark("x", 1.0))
    many = file("c", *(benchmark(f"y{number}", 1.0) for number in range(5)))
    with pytest.raises(
        NotComparable, match=r"c has no benchmark that a has: .*y2 and 2 more there"
    ):
        compare([first, first, many])
    assert NotComparable.exit_code == 3


@pytest.mark.parametrize(
    ("pythons", "drivers", "refused"),
    [
        ((PYTHON_313, PYTHON_314), ("binary", "python"), True),
        ((PYTHON_313, PYTHON_314), ("binary", "binary"), False),
        ((PYTHON_313, PYTHON_313), ("binary", "python"), False),
        ((PYTHON_313, PYTHON_314), ("binary", None), False),
        ((PYTHON_314, {**PYTHON_314, "python_free_threaded": True}), ("c", "python"), True),
    ],
)
def test_interpreters_are_compared_with_one_implementation_of_psycopg(
    pythons: tuple[dict[str, object], ...], drivers: tuple[str | None, ...], refused: bool
) -> None:
    files = [
        file(path, benchmark("x", 1.0), machine=machine(python, driver))
        for path, python, driver in zip("ab", pythons, drivers, strict=True)
    ]
    if refused:
        with pytest.raises(DriversDiffer, match=r"psycopg's implementation differs .*PSYCOPG_IMPL"):
            compare(files)
    else:
        compare(files)
    assert DriversDiffer.exit_code == 3


def test_interpreters_have_names() -> None:
    free = {**PYTHON_314, "python_free_threaded": True, "python_gil_enabled": False}
    assert interpreter(file("a", machine=PYTHON_314)) == "CPython 3.14.0"
    assert interpreter(file("a", machine=free)) == "CPython 3.14.0 free-threaded, GIL off"
    assert interpreter(file("a")) is None


def test_differences_are_told_and_nothing_else() -> None:
    cpu = {"count": 2, "brand_raw": "AMD"}
    first = file(
        "a",
        machine={**PYTHON_313, "cpu": cpu, "psycopg": {"version": "3.3", "implementation": "c"}},
        settings={"server": {"shared_buffers": "128MB", "version": 18}, "rows": 5},
        commit={"id": "1" * 40},
    )
    second = file(
        "b",
        machine={**PYTHON_313, "cpu": {**cpu, "count": 4}},
        settings={"server": {"shared_buffers": "1GB", "version": 18}},
        commit={"id": "1" * 40, "dirty": True},
    )
    assert differences([first, second]) == {
        "cpu": ("2 x AMD", "4 x AMD"),
        "psycopg": ("version 3.3, implementation c, libpq None", None),
        "commit": ("1" * 12, f"{'1' * 12} and changes"),
        "settings.server.shared_buffers": ("128MB", "1GB"),
        "settings.rows": ("5", None),
    }


def test_the_table() -> None:
    pair = (
        file("x/a.json", benchmark("uuid4", 1.0), benchmark("k", 2e-6, group=None)),
        file("b.json", benchmark("uuid4", 1.25, spread=0.5), settings={"rows": 1}),
    )
    lines = [line.split() for line in rendered(*pair, threshold=20).splitlines()]
    assert ["benchmark", "a.json", "b.json"] in lines
    assert ["uuid4", "1.000", "s", "1.250", "s", "(1.25!~)"] in lines
    assert ["k", "2.000", "us", "-"] in lines
    assert ["settings.rows", "-", "1"] in lines
    assert ["inserts"] in lines
    assert "1.25!" not in rendered(*pair, threshold=25)


def test_files_of_one_name_are_shown_with_their_paths() -> None:
    text = rendered(file("x/a.json", benchmark("k", 1.0)), file("y/a.json", benchmark("k", 1.0)))
    assert "x/a.json" in text
    assert "What else differs" not in text


def test_names_cannot_reach_the_terminal() -> None:
    evil = benchmark("\x1b[31mred", 1.0)
    assert "\x1b" not in rendered(file("a\x1b", evil), file("b", evil))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.000 ns"),
        (1.5e-9, "1.500 ns"),
        (56.784e-6, "56.78 us"),
        (0.123456, "123.5 ms"),
        (1.0, "1.000 s"),
        (1234.5, "1234 s"),
    ],
)
def test_times_have_four_digits(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_the_document() -> None:
    pair = (file("a", benchmark("x", 1.0), made_at="now"), file("b", benchmark("x", 1.25)))
    assert plain(comparison_document(compare(pair, 20.0))) == {
        "files": [
            {"path": "a", "made_at": "now", "command": None},
            {"path": "b", "made_at": None, "command": None},
        ],
        "benchmarks": [
            {
                "fullname": "inserts::x",
                "name": "x",
                "group": "inserts",
                "medians": [1.0, 1.25],
                "ratios": [None, 1.25],
                "within_spread": [None, False],
                "not_run": [None, None],
            }
        ],
        "differences": {},
        "threshold_percent": 20.0,
        "slower": [{"fullname": "inserts::x", "path": "b", "ratio": 1.25}],
    }
