"""The document of a run, in the shape of pytest-benchmark's files."""

from __future__ import annotations

from uuidmig.bench.results import benchmark_fullname, benchmark_name, document
from uuidmig.bench.runtime.model import RuntimeReport


def runtime_document(report: RuntimeReport, command: str) -> dict[str, object]:
    """Return the payload of `bench runtime --json`; pass it to `report.document.document`.

    Besides `benchmarks` it has `runtime`, and `not_run`: what was left out, with the reason.
    """
    return document(
        report.results,
        command=command,
        settings={
            "iterations": report.iterations,
            "libraries": report.libraries,
            "server_version": report.server_version,
        },
        extra={
            "runtime": report.info,
            "cpu_bound_work": report.pool,
            "not_run": [
                {
                    "group": one.group,
                    "name": benchmark_name(one.name, one.params),
                    "fullname": benchmark_fullname(one.group, one.name, one.params),
                    "reason": one.reason,
                }
                for one in report.not_run
            ],
        },
    )
