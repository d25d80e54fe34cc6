"""The last stage of foreign keys of partitioned tables before PostgreSQL 18."""

from __future__ import annotations

from uuidmig.engine.comparison import deadlock_timeout
from uuidmig.engine.connection import connect
from uuidmig.engine.locks import lock_budget, with_retries
from uuidmig.engine.options import RunOptions
from uuidmig.engine.progress import Observer
from uuidmig.planner.model import Plan
from uuidmig.steps.foreign_keys import put_back_all
from uuidmig.steps.partitioned_keys import lock_for_put_back


def put_back_keys(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    """Give partitioned tables the foreign keys that their partitions have validated.

    Writers wait for milliseconds, within the lock budget. Raises LockNotObtained.
    """
    statements = put_back_all(plan)
    if not statements:
        return

    def attempt() -> None:
        with connect(dsn, "lock") as connection:
            budget = lock_budget(options.lock_timeout_ms, deadlock_timeout(connection))
            connection.execute("SET application_name = 'uuidmig:lock'")
            with connection.transaction():
                connection.execute(
                    "SELECT set_config('uuidmig.lock_budget', %s, true)", [str(budget)]
                )
                for statement in (lock_for_put_back(plan), *statements):
                    connection.execute(statement.query)

    with_retries(dsn, "validate", "uuidmig:lock", observer, attempt, attempts=options.lock_attempts)
