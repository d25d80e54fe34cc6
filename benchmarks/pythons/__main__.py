"""The command line: `python -m benchmarks.pythons --help`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.pythons.interpreters import (
    PYTHONS,
    ROOT,
    Interpreter,
    Missing,
    find,
    order,
    run_turn,
)
from benchmarks.pythons.merge import merge
from benchmarks.pythons.page import put, tables
from uuidmig.bench.comparison import Comparison, compare
from uuidmig.bench.results_file import read_results
from uuidmig.cli.failures import report_failure
from uuidmig.cli.talk import Talk
from uuidmig.errors import UuidmigError
from uuidmig.report.document import document

RESULTS = ROOT / "benchmarks" / "results"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    turns: Annotated[int, typer.Option(min=1, help="How often each interpreter has a turn.")] = 3,
    iterations: Annotated[int, typer.Option(min=1, help="Rounds of a turn.")] = 7,
) -> None:
    """Run `uuidmig bench runtime` on every interpreter that is here, in turns.

    Writes benchmarks/results/runtime-<python>.json and the tables of docs/python314.md.
    """
    talk = Talk()
    try:
        found = [find(name) for name in PYTHONS]
        missing = [one for one in found if isinstance(one, Missing)]
        for one in missing:
            talk.say(f"{one.name} is not run: {one.reason}")
        present = [one for one in found if isinstance(one, Interpreter)]
        put(tables(_measure(present, turns, iterations, talk), missing))
    except (UuidmigError, KeyboardInterrupt) as error:
        raise typer.Exit(report_failure(error, talk)) from None


def _measure(
    interpreters: Sequence[Interpreter], turns: int, iterations: int, talk: Talk
) -> Comparison:
    with TemporaryDirectory(prefix="uuidmig-pythons-") as folder:
        files: dict[str, list[Path]] = {one.name: [] for one in interpreters}
        for turn in range(turns):
            for one in order(interpreters, turn):
                talk.say(f"turn {turn + 1} of {turns}: {one.name}")
                files[one.name].append(Path(folder) / f"{one.name}-{turn}.json")
                run_turn(one, iterations, files[one.name][-1])
            # What cannot be compared is told after the first turn, not after the last.
            compare([read_results(paths[0]) for paths in files.values()])
        command = f'make bench-pythons ARGS="--turns {turns} --iterations {iterations}"'
        for name, paths in files.items():
            merged = merge([json.loads(path.read_text()) for path in paths], command)
            (RESULTS / f"runtime-{name}.json").write_text(f"{document(merged)}\n")
    kept = [RESULTS / f"runtime-{one.name}.json" for one in interpreters]
    return compare([read_results(path) for path in kept])


if __name__ == "__main__":
    app()
