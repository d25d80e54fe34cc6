"""`uuidmig keys` and `uuidmig decode` from the command line; they need no database."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from uuidmig.cli.app import app

EXAMPLE = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_keys_rise() -> None:
    keys = [UUID(line) for line in run("keys", "-n", "100").stdout.splitlines()]

    assert len(keys) == 100
    assert keys == sorted(keys)
    assert {key.version for key in keys} == {7}


@pytest.mark.parametrize("time", ["2024-02-29T12:00:00.000123", "2024-02-29T13:00:00.000123+01:00"])
def test_keys_of_a_time(time: str) -> None:
    (key,) = json.loads(run("keys", "--at", time, "--json").stdout)["keys"]
    (facts,) = json.loads(run("decode", key, "--json").stdout)["keys"]

    assert facts["created_at"] == "2024-02-29T12:00:00Z"
    assert facts["finer_created_at"] == "2024-02-29T12:00:00.000123Z"


@pytest.mark.parametrize("time", ["yesterday", "1969-12-31"])
def test_times_that_are_none(time: str) -> None:
    assert "--at" in run("keys", "--at", time, code=2).stderr


def test_decode_for_people() -> None:
    shown = run("decode", EXAMPLE).stdout

    assert "2022-02-22 19:22:22.000000 UTC" in shown
    assert "0x18c4dc0c0c07398f" in shown


def test_decode_what_is_no_key() -> None:
    run("decode", "order-17", code=2)
