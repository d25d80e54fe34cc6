"""The document of a run, in the shape of pytest-benchmark's files; an operation is one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from uuidmig.bench.inserts.ratios import (
    Spread,
    new_page_density,
    of_kind,
    ratios,
    spread,
    without_generator,
)
from uuidmig.bench.inserts.regime import memory_shares, regime
from uuidmig.bench.inserts.run import BenchReport
from uuidmig.bench.inserts.turn import Turn
from uuidmig.bench.results import Result, document


def bench_document(report: BenchReport, command: str) -> dict[str, object]:
    """Return the payload of `bench inserts --json`; pass it to `report.document.document`.

    `ratios` and `new_page_density` (percent) sum it up: medians over the rounds, with the ratios of
    every round's extremes in `ratios_spread`.
    """
    compared = ratios(report.turns)
    return document(
        list(_results(report)),
        command=command,
        settings=_settings(report),
        extra={
            "ratios": {name: one and one.median for name, one in compared.items()},
            "ratios_spread": compared,
            "ratios_without_generator": _net_ratios(report),
            "new_page_density": new_page_density(report.turns),
            "generator_microseconds": report.generators,
            "regime": regime(report),
            "memory": memory_shares(report),
        },
    )


def _net_ratios(report: BenchReport) -> dict[str, Spread | None]:
    """Of rows a second alone; keys that clients make are out of the clock already."""
    turns: Sequence[Turn] = report.turns
    if report.spec.keys == "server":
        made = {kind: figures["server"] or 0.0 for kind, figures in report.generators.items()}
        turns = without_generator(turns, made, report.spec.clients)
    return {name: one for name, one in ratios(turns).items() if name.startswith("rows")}


def _results(report: BenchReport) -> Iterator[Result]:
    spec = report.spec
    for kind in spec.kinds:
        turns = of_kind(report.turns, kind.name)
        yield Result(
            name=kind.name,
            group=f"inserts/{spec.shape.name}",
            params={
                "preload": report.loaded_rows,
                "index": "grown" if spec.grown else "built",
                "keys": spec.keys,
                "batch": spec.batch,
                "clients": spec.clients,
                "copy": spec.copy,
            },
            rounds=tuple(turn.seconds / turn.rows for turn in turns),
            extra=_extra(report, kind.name, turns),
        )


def _extra(report: BenchReport, kind: str, turns: Sequence[Turn]) -> Mapping[str, object]:
    inserted = sum(turn.rows for turn in turns)
    grown = sum(turn.growth["index_bytes"] or 0 for turn in turns)
    return {
        "rows_per_second": spread([turn.rows_per_second for turn in turns]),
        "wal_bytes_per_row": spread([turn.wal_per_row for turn in turns]),
        "p99_ms": spread([turn.p99_ms for turn in turns]),
        "index_bytes_per_row": grown / inserted,
        "loaded": {
            "rows": report.loaded_rows,
            "index_bytes": report.loaded_bytes[kind],
            **asdict(report.loaded_pages[kind]),
        },
        "memory": memory_shares(report)[kind],
        "generator_microseconds": report.generators[kind],
        "turns": [_turn(turn) for turn in turns],
    }


def _turn(turn: Turn) -> dict[str, object]:
    return {
        **asdict(turn),
        "rows_per_second": turn.rows_per_second,
        "wal_bytes_per_row": turn.wal_per_row,
        "index_bytes_per_row": (turn.growth["index_bytes"] or 0) / turn.rows,
    }


def _settings(report: BenchReport) -> dict[str, object]:
    spec, around = report.spec, report.surroundings
    return {
        "server": around.server,
        "server_version": around.version,
        "memory_bytes": around.memory_bytes,
        "shared_buffers_bytes": around.shared_buffers,
        "server_settings": around.settings,
        "shape": spec.shape,
        "kinds": [kind.name for kind in spec.kinds],
        "keys": spec.keys,
        "preload": report.loaded_rows,
        "index": "grown" if spec.grown else "built",
        "batch": spec.batch,
        "clients": spec.clients,
        "seconds": spec.seconds,
        "rounds": spec.rounds,
        "rows": spec.rows,
        "copy": spec.copy,
        "seed": spec.seed,
        "checkpoint_before_each": report.checkpoints,
    }
