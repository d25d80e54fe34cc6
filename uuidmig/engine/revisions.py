"""Runs the three revisions under short locks: prepare, cutover, finish, and two of them back."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from psycopg import errors

from uuidmig.engine import journal
from uuidmig.engine.comparison import deadlock_timeout
from uuidmig.engine.connection import Connection, connect, telling_collision
from uuidmig.engine.environments import Environment
from uuidmig.engine.event_triggers import telling_event_trigger
from uuidmig.engine.locks import lock_budget, with_retries
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Note, Observer
from uuidmig.errors import FillingTooLong, SchemaDrift, SecurityLabelRefused, WrongState
from uuidmig.steps.security_labels import REFUSED

_DRAIN_LIMIT = 1000  # rows replayed under the locks at most, times the number of the attempt
_LONGEST_DRAIN = 10_000
_TOO_LONG_A_LOG = "UM001"  # raised by the last drain of a swap, see steps/revisions.py
_TOO_LONG_A_QUERY = "UM002"  # of a materialized view, see steps/filling.py


def upgrade(
    dsn: str,
    environment: Environment,
    name: str,
    options: RunOptions,
    observer: Observer,
    *,
    on_failure: Callable[[], None] = lambda: None,
) -> None:
    """Run revision `name` in its one transaction, again and again until it gets its locks.

    `on_failure` runs between attempts, without locks. Raises LockNotObtained, SchemaDrift,
    WrongState; nothing is changed then.
    """

    def attempt(settings: dict[str, str], application: str) -> None:
        environment.upgrade(name, settings, application)

    stall = None if name == "finish" else name  # finish leaves no journal to note it in
    _run(dsn, name, options, observer, attempt, on_failure, stall)


def downgrade(
    dsn: str,
    environment: Environment,
    name: str,
    options: RunOptions,
    observer: Observer,
    *,
    on_failure: Callable[[], None] = lambda: None,
) -> None:
    """Take revision `name` back, under the same rules as `upgrade`."""

    def attempt(settings: dict[str, str], application: str) -> None:
        environment.downgrade(name, settings, application)

    stall = "rollback" if name == "cutover" else None
    _run(dsn, f"undo {name}", options, observer, attempt, on_failure, stall)


def _run(
    dsn: str,
    step: str,
    options: RunOptions,
    observer: Observer,
    attempt: Callable[[dict[str, str], str], None],
    on_failure: Callable[[], None],
    stall: str | None,
) -> None:
    application = f"uuidmig:{step}"
    with connect(dsn, step) as connection:
        budget = lock_budget(options.lock_timeout_ms, deadlock_timeout(connection))
        once = _attempts(connection, budget, observer, attempt, stall, application)
        with_retries(
            dsn,
            step,
            application,
            observer,
            once,
            attempts=options.lock_attempts,
            on_failure=on_failure,
        )


def _attempts(
    connection: Connection,
    budget: int,
    observer: Observer,
    attempt: Callable[[dict[str, str], str], None],
    stall: str | None,
    application: str,
) -> Callable[[], None]:
    """Return what runs one attempt and tells the server's errors as ours."""
    settings = {
        "uuidmig.lock_budget": str(budget),
        "row_security": "off",
        "lock_timeout": f"{budget}ms",  # for what a later statement might wait for
        "statement_timeout": "0",
    }
    numbers = itertools.count(1)

    def once() -> None:
        # Writers that outrun a short drain get a longer one, rather than none for ever.
        limit = min(_DRAIN_LIMIT * next(numbers), _LONGEST_DRAIN)
        try:
            with (
                telling_event_trigger(connection),
                telling_collision(back=stall == "rollback"),
            ):
                attempt(settings | {"uuidmig.drain_limit": str(limit)}, application)
            if stall is not None:
                # The revision noted the time up to its COMMIT; the locks are gone by now.
                journal.stretch_stall(connection, stall)
        except errors.ObjectInUse as error:
            raise SchemaDrift(_message(error)) from error
        except errors.ObjectNotInPrerequisiteState as error:
            raise WrongState(_message(error)) from error
        except errors.Error as error:
            if error.sqlstate == _TOO_LONG_A_LOG:
                observer.notify(Note(_message(error), "debug"))
                raise errors.LockNotAvailable(str(error)) from error
            if error.sqlstate == REFUSED:
                raise SecurityLabelRefused(_message(error)) from error
            if error.sqlstate == _TOO_LONG_A_QUERY:
                raise FillingTooLong(_message(error)) from error
            raise

    return once


def _message(error: errors.Error) -> str:
    hint = f"\n{error.diag.message_hint}" if error.diag.message_hint else ""
    return f"{error.diag.message_primary or error}{hint}"
