"""One coordinated run: what its stages work with, and what they tell while they work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from uuidmig.engine import environments, journal
from uuidmig.engine.connection import Connection
from uuidmig.engine.environments import Environment
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Note, Observer, Stall, StepFinished, StepStarted
from uuidmig.engine.waits import Waits
from uuidmig.planner.model import Plan


@dataclass(frozen=True, slots=True)
class Context:
    """One coordinated run: the plan of the journal, and where its revisions run."""

    dsn: str
    connection: Connection
    plan: Plan
    environment: Environment
    options: RunOptions
    observer: Waits


def context_of(
    dsn: str, connection: Connection, options: RunOptions, observer: Observer
) -> Context:
    run = journal.read_run(connection)
    environment = environments.for_present(connection, dsn, run.plan_hash, options.alembic_config)
    waits = Waits.around(observer)
    return Context(dsn, connection, run.plan, environment, options, waits)


@contextmanager
def step(context: Context, name: str, title: str) -> Iterator[None]:
    context.observer.notify(StepStarted(name, title))
    started = time.monotonic()
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # it must not hide why the step failed
            if journal.exists(context.connection):
                context.observer.write(context.connection)
    seconds = time.monotonic() - started
    if journal.exists(context.connection):
        journal.record(context.connection, "step", name, seconds=round(seconds, 3))
    context.observer.notify(StepFinished(name, seconds))


def tell_subscribers(observer: Observer, commands: Sequence[str]) -> None:
    for command in commands:
        observer.notify(Note(command, "warning"))


def tell_stall(context: Context, step: str) -> None:
    for name, milliseconds in journal.stalls(context.connection)[-1:]:
        if name == step:
            context.observer.notify(Stall(step, milliseconds))
