from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from uuidmig import runtime
from uuidmig.cli.app import app
from uuidmig.runtime import get_runtime_info


def test_of_this_interpreter() -> None:
    info = get_runtime_info()

    assert info.version == ".".join(map(str, sys.version_info[:3]))
    assert info.implementation == "CPython"
    assert info.gil_enabled == (not info.features["free_threading"])
    assert 1 <= info.cores <= (os.cpu_count() or 1)


def test_features_are_tried() -> None:
    features = get_runtime_info().features

    assert set(features) == {"free_threading", "uuid7", "compression_zstd", "improved_errors"}
    assert features["compression_zstd"] == (find_spec("compression") is not None)
    assert features["improved_errors"] == (sys.version_info >= (3, 14))


def test_a_feature_that_does_something_else_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "uuid7", uuid.uuid4, raising=False)

    assert not get_runtime_info().features["uuid7"]


def test_who_turned_the_gil_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """No free-threaded interpreter needed: what one says is known."""
    said = (
        "<string>:1: RuntimeWarning: The global interpreter lock (GIL) has been enabled to load"
        " module 'orjson.orjson', which has not declared that it can run safely without the GIL.\n"
    )
    ran = subprocess.CompletedProcess([], 0, "", said * 2)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ran)

    assert runtime._who_turned_it_on() == ("orjson.orjson",)


def test_a_default_build_turned_nothing_on() -> None:
    info = get_runtime_info()

    assert info.free_threaded_build or info.gil_enabled_by == ()


def test_doctor_shows_it_without_a_server() -> None:
    environment = {"UUIDMIG_DSN": "host=/nowhere"}
    shown = CliRunner().invoke(app, ["doctor", "--runtime"], env=environment)
    told = CliRunner().invoke(app, ["doctor", "--runtime", "--json"], env=environment)

    assert (shown.exit_code, told.exit_code) == (0, 0)
    assert "GIL after imports" in shown.stdout
    assert (
        json.loads(told.stdout)["runtime"]["features"].keys() == get_runtime_info().features.keys()
    )


def test_an_older_python_is_told_so() -> None:
    code = "import sys; sys.version_info = (3, 11, 9); import uuidmig"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "uuidmig needs Python 3.12 or later, this is 3.11" in done.stderr
