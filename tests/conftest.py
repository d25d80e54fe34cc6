"""Fixtures for all tests: the lane's server, and an empty database of its own for each test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.servers import TestDatabase, TestServer, describe_lane, fresh_database, running_server


def pytest_report_header() -> str:
    return f"postgres: {describe_lane()}"


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """The user's PG... and UUIDMIG_... settings must not reach the code under test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("PG", "UUIDMIG_")) and not name.startswith("UUIDMIG_TEST_"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works() -> None:
    """A shell that runs us in the background may ignore SIGINT for us, and every program that a
    test starts would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    """The server of this test run."""
    with running_server() as running:
        yield running


@pytest.fixture
def database(server: TestServer) -> Iterator[TestDatabase]:
    """An empty database; dropped afterwards, whoever is still connected."""
    with fresh_database(server) as fresh:
        yield fresh
