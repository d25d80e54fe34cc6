"""Ctrl-C: the first ends the run after the batch under way, the second cancels; both resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.servers import TestDatabase
from uuidmig.engine import migrate, pause, resume, status
from uuidmig.errors import Interrupted

SCHEMA = """
CREATE TABLE books (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO books SELECT FROM generate_series(1, 100);
"""
PATIENCE_SECONDS = 60


@pytest.fixture
def prepared(database: TestDatabase) -> TestDatabase:
    """A migration whose process died right after prepare."""
    with database.connect(autocommit=True) as connection:
        connection.execute(SCHEMA)
    with start(database, UUIDMIG_FAILPOINT="prepare") as process:
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    return database


def start(database: TestDatabase, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "uuidmig", "migrate", "--yes", "--workers", "1"],
        env={**os.environ, "UUIDMIG_DSN": database.dsn, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def running(prepared: TestDatabase) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start `migrate` when called; whatever still runs afterwards is killed."""
    started: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        started.append(start(prepared))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def copying_sessions(database: TestDatabase, waiting_for: str) -> int:
    with database.connect_admin() as connection:
        return connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'uuidmig:copy' AND wait_event_type = %s",
            [waiting_for],
        ).rowcount


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == Interrupted.exit_code
    assert "Traceback" not in err
    assert "error: Interrupted" in err
    return out, err


def test_the_first_ends_it_after_the_batch(
    prepared: TestDatabase, running: Callable[[], subprocess.Popen[str]]
) -> None:
    pause(prepared.dsn, "test")
    process = running()
    wait_until(lambda: status(prepared.dsn).state == "copying")
    wait_until(lambda: copying_sessions(prepared, "Client"))
    process.send_signal(signal.SIGINT)
    out, _ = end(process)
    assert out == ""
    resume(prepared.dsn)
    assert migrate(prepared.dsn).rows == 100


def test_the_second_cancels_a_query_that_waits(
    prepared: TestDatabase, running: Callable[[], subprocess.Popen[str]]
) -> None:
    pause(prepared.dsn, "test")
    process = running()
    wait_until(lambda: status(prepared.dsn).state == "copying")
    with prepared.connect() as blocker:
        blocker.execute("LOCK TABLE books IN ACCESS EXCLUSIVE MODE")
        resume(prepared.dsn)
        wait_until(lambda: copying_sessions(prepared, "Lock"))
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)  # it lets the batch finish, which cannot while we hold the lock
        process.send_signal(signal.SIGINT)
        end(process)
    assert migrate(prepared.dsn).rows == 100
