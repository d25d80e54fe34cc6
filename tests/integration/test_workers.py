"""Tasks that bring about tasks, run by workers with a connection each."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from tests.servers import TestDatabase
from uuidmig.engine.connection import Connection
from uuidmig.engine.workers import run_tasks

PATIENCE_SECONDS = 60.0


@pytest.mark.parametrize("workers", [1, 3])
def test_every_task_and_every_follow_up_runs_once(database: TestDatabase, workers: int) -> None:
    """Each of 3 tasks has 3 follow-ups, and each of those 3 more."""
    done: Counter[tuple[int, ...]] = Counter()
    lock = threading.Lock()

    def work(connection: Connection, task: tuple[int, ...]) -> list[tuple[int, ...]] | None:
        connection.execute("SELECT 1")
        with lock:
            done[task] += 1
        return [(*task, n) for n in range(3)] if len(task) < 3 else None

    first: list[tuple[int, ...]] = [(n,) for n in range(3)]
    run_tasks(database.dsn, workers, "test", first, work)

    assert len(done) == 3 + 9 + 27
    assert set(done.values()) == {1}


def test_follow_ups_come_in_their_turn(database: TestDatabase) -> None:
    done: list[str] = []

    def work(_: Connection, task: str) -> list[str]:
        done.append(task)
        return ["long", "s"] if task == "a" else []

    run_tasks(database.dsn, 1, "test", ["a", "bb", "c"], work, cost=len)

    assert done == ["bb", "a", "long", "c", "s"]


def test_workers_that_found_nothing_get_the_follow_ups(database: TestDatabase) -> None:
    """One task for three workers; what it brings can end only when all three are at work."""
    all_at_work = threading.Barrier(3)
    sessions: set[int] = set()

    def work(connection: Connection, task: str) -> list[str]:
        if task == "first":
            return ["one", "two", "three"]
        sessions.add(connection.info.backend_pid)
        all_at_work.wait(PATIENCE_SECONDS)
        return []

    run_tasks(database.dsn, 3, "test", ["first"], work)

    assert len(sessions) == 3


def test_no_tasks_need_no_server() -> None:
    run_tasks("host=/nowhere", 2, "test", [], lambda _, __: None)


class Broken(Exception):
    """What a worker of these tests raises."""


def test_an_exception_ends_workers_that_have_work_without_end(database: TestDatabase) -> None:
    started = threading.Event()

    def work(_: Connection, task: str) -> list[str]:
        if task == "endless":
            started.set()
            return ["endless"]
        assert started.wait(PATIENCE_SECONDS)
        raise Broken

    with pytest.raises(Broken):
        run_tasks(database.dsn, 2, "test", ["broken", "endless"], work)


def test_an_exception_ends_workers_that_wait_for_work(database: TestDatabase) -> None:
    """The task that failed is never done, and others wait for what it might bring."""
    others_done = threading.Barrier(3)

    def work(_: Connection, task: str) -> None:
        others_done.wait(PATIENCE_SECONDS)
        if task == "broken":
            raise Broken

    with pytest.raises(Broken):
        run_tasks(database.dsn, 3, "test", ["broken", "short", "short"], work)


def test_an_exception_keeps_what_was_to_come_from_starting(database: TestDatabase) -> None:
    done: list[str] = []

    def work(_: Connection, task: str) -> None:
        done.append(task)
        if task == "broken":
            raise Broken

    with pytest.raises(Broken):
        run_tasks(database.dsn, 1, "test", ["first", "broken", "last"], work)

    assert done == ["first", "broken"]


def test_the_connections_are_closed_whatever_happened(database: TestDatabase) -> None:
    connections: list[Connection] = []

    def work(connection: Connection, task: str) -> None:
        connections.append(connection)
        if task == "broken":
            raise Broken

    run_tasks(database.dsn, 1, "test", ["sound"], work)
    with pytest.raises(Broken):
        run_tasks(database.dsn, 1, "test", ["broken"], work)

    assert [connection.closed for connection in connections] == [True, True]
