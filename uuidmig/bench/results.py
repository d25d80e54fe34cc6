"""Results of benchmarks in the shape of pytest-benchmark's JSON files, which its tools read too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from uuidmig import __version__
from uuidmig.bench.environment import commit_info, machine_info
from uuidmig.bench.rounds import describe_rounds
from uuidmig.report.document import plain

PYTEST_BENCHMARK_VERSION = "5.3.1"
"""The release of pytest-benchmark whose files ours look like."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark took.

    `rounds` are seconds per operation, one figure a round. `params` tell apart what has one name;
    only results with equal group, name and params are ever compared. `extra` is any further figure.
    """

    name: str
    group: str
    params: Mapping[str, object]
    rounds: tuple[float, ...]
    extra: Mapping[str, object]


def document(
    results: Sequence[Result],
    *,
    command: str,
    settings: Mapping[str, object],
    extra: Mapping[str, object],
) -> dict[str, object]:
    """Return the payload of a results file; `uuidmig.report.document.document` makes it text.

    `command` is what to type to have these figures again, `settings` what they depend on (server,
    sizes), `extra` further top-level keys. The caller sees to it that none of them holds a
    password or a host's name. ValueError for results without rounds, for two of one name and
    params, and for `extra` with a key that is taken.
    """
    benchmarks = list(_benchmarks(results))
    names = [str(benchmark["fullname"]) for benchmark in benchmarks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"there more than once: {', '.join(sorted(twice))}")
    body: dict[str, object] = {
        "machine_info": machine_info(),
        "commit_info": commit_info(),
        "benchmarks": benchmarks,
        "datetime": datetime.now(UTC).isoformat(),
        "version": PYTEST_BENCHMARK_VERSION,
        "uuidmig_version": __version__,
        "command": command,
        "settings": plain(settings),
    }
    if taken := body.keys() & extra.keys():
        raise ValueError(f"keys of the document itself: {', '.join(sorted(taken))}")
    return {**body, **{key: plain(value) for key, value in extra.items()}}


def benchmark_name(name: str, params: Mapping[str, object]) -> str:
    """Return the name of a benchmark within its group: name[key=value,...]."""
    return f"{name}[{_param(params)}]" if params else name


def benchmark_fullname(group: str, name: str, params: Mapping[str, object]) -> str:
    """Return what a benchmark is known by across files."""
    return f"{group}::{benchmark_name(name, params)}"


def _param(params: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in params.items())


def _benchmarks(results: Sequence[Result]) -> Iterator[dict[str, object]]:
    for result in results:
        yield {
            "group": result.group,
            "name": benchmark_name(result.name, result.params),
            "fullname": benchmark_fullname(result.group, result.name, result.params),
            "params": plain(result.params) if result.params else None,
            "param": _param(result.params) or None,
            "extra_info": plain(result.extra),
            "options": {},
            "stats": describe_rounds(result.rounds),
        }
