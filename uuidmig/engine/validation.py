"""The foreign keys after the cutover: added NOT VALID, now validated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors

from uuidmig.engine.connection import connect
from uuidmig.engine.failpoints import failpoint
from uuidmig.engine.options import RunOptions
from uuidmig.engine.partitioned_keys import put_back_keys
from uuidmig.engine.progress import Observer
from uuidmig.errors import ReferenceDangles
from uuidmig.planner.model import Plan
from uuidmig.steps.foreign_keys import joins_in_index_order, keys_to_validate, validate


def validate_keys(dsn: str, plan: Plan, options: RunOptions, observer: Observer) -> None:
    """SHARE UPDATE EXCLUSIVE, one foreign key a transaction: nobody but DDL waits.

    Raises ReferenceDangles, LockNotObtained where partitioned tables get theirs back.
    """
    with _telling_violation():
        _validate(dsn, plan)
        put_back_keys(dsn, plan, options, observer)
    failpoint("validated")


def _validate(dsn: str, plan: Plan) -> None:
    with connect(dsn, "validate") as connection:
        connection.execute("SET maintenance_work_mem = '256MB'")  # what its query may use
        connection.execute("SET random_page_cost = 1.1")
        for key in keys_to_validate(plan):
            merges = joins_in_index_order(plan, key)
            connection.execute(
                "SELECT set_config('enable_hashjoin', %s, false)", ["off" if merges else "on"]
            )
            for statement in validate(plan, key):
                connection.execute(statement.query)


@contextmanager
def _telling_violation() -> Iterator[None]:
    try:
        yield
    except errors.ForeignKeyViolation as error:
        told = error.diag
        what = f"{told.constraint_name} of {told.schema_name}.{told.table_name}"
        raise ReferenceDangles(what, told.message_detail) from error
