"""The suites' server, and what is written beside the figures: environment, command, settings."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

import psycopg
import pytest

from benchmarks.migration.scripts import Connection
from benchmarks.migration.server import BenchServer, bench_server
from uuidmig import __version__
from uuidmig.bench.environment import commit_info, machine_info
from uuidmig.report.document import SCHEMA_VERSION

_SETTINGS = pytest.StashKey[dict[str, object]]()


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """The user's PG... and UUIDMIG_... settings must not reach the code that is measured."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("PG", "UUIDMIG_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[BenchServer]:
    """A server of the suites' own, with durable settings."""
    with bench_server() as running:
        pytestconfig.stash[_SETTINGS] = {"server": running.settings()["server"]}
        yield running


@pytest.fixture
def connection(server: BenchServer) -> Iterator[Connection]:
    """An autocommit connection of an ordinary role to an empty database that it owns."""
    with (
        server.database("bench_suite") as dsn,
        psycopg.connect(dsn, autocommit=True) as opened,
    ):
        yield opened


def pytest_benchmark_generate_machine_info() -> dict[str, object]:
    return machine_info()


def pytest_benchmark_generate_commit_info() -> dict[str, object]:
    return commit_info()


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, object]) -> None:
    output_json["schema_version"] = SCHEMA_VERSION
    output_json["uuidmig_version"] = __version__
    output_json["command"] = f"python -m pytest {shlex.join(config.invocation_params.args)}"
    output_json["settings"] = config.stash.get(_SETTINGS, {})
