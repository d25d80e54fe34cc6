"""The tables for the documentation, in Markdown, and putting them between their markers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.pythons.interpreters import ROOT, Missing
from uuidmig.bench.comparison import Comparison
from uuidmig.bench.differences import compiled, interpreter, psycopg_implementation
from uuidmig.bench.results_file import ResultsFile
from uuidmig.errors import ConfigurationError
from uuidmig.report.bench_comparison import time_text

PAGE = ROOT / "docs" / "python314.md"
_START, _END = "<!-- bench-pythons -->", "<!-- /bench-pythons -->"
_NOT_RUN = "not run"


def tables(comparison: Comparison, missing: Sequence[Missing]) -> str:
    """Return what ran where, then all figures; the files are in the order of the interpreters."""
    lines = [
        *_interpreters(comparison.files, missing),
        "",
        *_figures(comparison, missing),
        "",
        *_reasons(comparison, missing),
    ]
    return "\n".join(lines)


def put(text: str, page: Path = PAGE) -> None:
    """Replace what is between the page's markers. ConfigurationError where it has none."""
    before, start, rest = page.read_text(encoding="utf-8").partition(_START)
    _, end, after = rest.partition(_END)
    if not start or not end:
        raise ConfigurationError(f"{page.name} has no {_START} with a {_END} after it")
    page.write_text(f"{before}{_START}\n\n{text}\n\n{_END}{after}", encoding="utf-8")


def name(file: ResultsFile) -> str:
    """Return the interpreter's name by that of its file: runtime-3.14t.json."""
    return Path(file.path).stem.partition("-")[2]


def _interpreters(files: Sequence[ResultsFile], missing: Sequence[Missing]) -> Iterator[str]:
    yield _row("", "interpreter", "built by", "psycopg", "zstd", "zlib")
    yield _rule(6)
    for file in files:
        libraries = _mapping(file.settings.get("libraries"))
        yield _row(
            name(file),
            interpreter(file) or "-",
            compiled(file) or "-",
            psycopg_implementation(file) or "-",
            str(libraries.get("zstd") or "none"),
            str(libraries.get("zlib") or "none"),
        )
    for one in missing:
        yield _row(one.name, f"{_NOT_RUN}: {one.reason}", *([_NOT_RUN] * 4))


def _figures(comparison: Comparison, missing: Sequence[Missing]) -> Iterator[str]:
    names = [*map(name, comparison.files), *(one.name for one in missing)]
    yield _row("fastest round (ratio to the first)", *names)
    yield _rule(len(names) + 1)
    for group in dict.fromkeys(row.group for row in comparison.rows):
        yield _row(f"**{group}**", *([""] * len(names)))
        for row in comparison.rows:
            if row.group == group:
                cells = _cells(comparison.files, row.fullname)
                yield _row(f"`{row.name}`", *cells, *([_NOT_RUN] * len(missing)))


def _cells(files: Sequence[ResultsFile], fullname: str) -> Iterator[str]:
    """Yield the fastest rounds: on a machine that others use too, medians say what those did."""
    found = [file.by_name().get(fullname) for file in files]
    times = [None if one is None else one.fastest for one in found]
    yield from (
        _cell(seconds, times[0] if number else None) for number, seconds in enumerate(times)
    )


def _cell(seconds: float | None, base: float | None) -> str:
    if seconds is None:
        return _NOT_RUN
    return f"{time_text(seconds)} ({seconds / base:.2f})" if base else time_text(seconds)


def _reasons(comparison: Comparison, missing: Sequence[Missing]) -> Iterator[str]:
    yield "Not run, and why:"
    yield ""
    for file in comparison.files:
        for reason in dict.fromkeys(one.reason for one in file.not_run):
            these = dict.fromkeys(one.name for one in file.not_run if one.reason == reason)
            yield f"- {name(file)}: {', '.join(f'`{one}`' for one in these)}: {reason}"
    for one in missing:
        yield f"- {one.name}: everything: {one.reason}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return f"|{'---|' * columns}"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
