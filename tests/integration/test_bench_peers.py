"""The comparison with peers on the lane's version: what runs is right, what cannot is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.programs import choose_programs
from uuidmig.errors import ServerUnavailable

ROOT = Path(__file__).parents[2]
VERSION = os.environ.get("UUIDMIG_TEST_PG") or "18"

METHODS = {"migrate_2", "pg_repack", "default_only", "cascade", "keyset"}

pytestmark = pytest.mark.slow


def run_benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.peers", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def has_repack() -> bool:
    try:
        return (choose_programs(int(VERSION)) / "pg_repack").exists()
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def printed(has_repack: bool) -> Any:
    compared = ("--methods", ",".join(METHODS))
    size = ("--scale", "0.005", "--rounds", "1")
    done = run_benchmark(*compared, *size, "--postgres", VERSION, "--json")
    assert done.returncode == 0, done.stderr
    assert ("pg_repack is left out" in done.stderr) is not has_repack
    return json.loads(done.stdout)


def runs(printed: Any) -> dict[str, Any]:
    return {run["method"]: run for run in printed["rounds"][0]["runs"]}


def test_all_run_on_the_server_of_the_version_asked_for(printed: Any) -> None:
    assert printed["settings"]["server"]["server_version"].startswith(f"{VERSION}.")
    assert printed["settings"]["server"]["fsync"] == "on"
    found = runs(printed)
    assert found.keys() | printed["left_out"].keys() == METHODS
    assert all(run["rows"] == 20_000 for run in found.values())
    # The rewrite writes every row, the change of defaults none of them.
    assert found["migrate_2"]["wal_bytes"] > 3_000_000
    assert found["default_only"]["wal_bytes"] < 1_500_000


def test_pg_repack_rewrites_or_is_left_out_with_a_word(printed: Any, has_repack: bool) -> None:
    ratio = printed["ratios"]["migrate_2_to_pg_repack"]
    if not has_repack:
        assert f"apt-get install postgresql-{VERSION}-repack" in printed["left_out"]["pg_repack"]
        assert ratio is None
        assert printed["bars"][0]["met"] is None
        return
    found = runs(printed)
    assert printed["left_out"] == {}
    assert found["pg_repack"]["wal_bytes"] > 3_000_000
    expected = found["migrate_2"]["seconds"] / found["pg_repack"]["seconds"]
    assert ratio == pytest.approx(expected, abs=1e-3)


def test_further_rows_cost_more_index_where_only_the_default_changed(printed: Any) -> None:
    grown = {(one["method"], one["index"]): one for one in printed["further_rows"]}
    for index, rows in (("orders_pkey", 1250), ("items_pkey", 3750)):
        migrated, alone = grown["migrate_2", index], grown["default_only", index]
        assert migrated["rows"] == alone["rows"] == rows
        assert migrated["density_after"] > alone["density_after"] + 5
        grew = migrated["bytes_after"] - migrated["bytes_before"]
        assert migrated["bytes_per_row"] == pytest.approx(grew / rows, abs=0.01)
    name = "bytes_per_new_row_items_pkey_default_only_to_migrate_2"
    assert printed["ratios"][name] > 1.4
