"""Event triggers: whatever a DBA made fire for DDL fires for ours too, and may refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from uuidmig.engine.connection import Connection, connect
from uuidmig.errors import EventTriggerRefused
from uuidmig.planner.model import Hazard, Plan

_CODE = "event-trigger"


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """An enabled event trigger; `function` is its bare name, quoted where it must be."""

    name: str
    event: str  # "ddl_command_start" | "ddl_command_end" | "sql_drop" | "table_rewrite"
    schema: str
    function: str


def read_event_triggers(connection: Connection) -> tuple[EventTrigger, ...]:
    """Return the event triggers that fire for DDL in an ordinary session, by name."""
    rows = connection.execute(
        "SELECT t.evtname::text, t.evtevent::text, quote_ident(n.nspname), quote_ident(p.proname)"
        " FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid"
        " JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE t.evtenabled IN ('O', 'A') AND t.evtevent <> 'login' ORDER BY 1"
    ).fetchall()
    return tuple(EventTrigger(*row) for row in rows)


def find_event_triggers(connection: Connection) -> tuple[Hazard, ...]:
    """Return a note for each event trigger that a migration will set off."""
    return tuple(
        Hazard(
            "note",
            _CODE,
            trigger.name,
            f"at {trigger.event} it calls {trigger.schema}.{trigger.function}(), for the DDL of "
            "the migration too: in the schemas uuidmig, uuidmig_keys, ...__uuid7, ...__uuid4 and"
            " pg_temp",
            "make sure that it lets that pass",
        )
        for trigger in read_event_triggers(connection)
    )


@contextmanager
def telling_event_trigger(connection: Connection) -> Iterator[None]:
    """Raise EventTriggerRefused for an error that an event trigger's function raised.

    `connection` is another session than the failed one, or is outside a transaction.
    """
    try:
        yield
    except psycopg.errors.OperationalError:
        raise  # locks and the like: those who try again need to know them
    except psycopg.Error as error:
        context = error.diag.context or ""
        triggers = read_event_triggers(connection) if context else ()
        names = [trigger.name for trigger in triggers if _raised_by(trigger, context)]
        if not names:
            raise
        raise EventTriggerRefused(" or ".join(names), error.diag.message_primary) from error


def _raised_by(trigger: EventTrigger, context: str) -> bool:
    called = rf"(?:{re.escape(trigger.schema)}\.)?{re.escape(trigger.function)}\(\)"
    return re.search(rf"function {called}(?!\w)", context) is not None


def try_temporary_tables(dsn: str, plan: Plan) -> None:
    """Raise EventTriggerRefused when an event trigger stands against what every replay creates.

    Before anything is done: the first replay comes after hours of copying. Where the plan noted no
    event trigger there is nothing to try.
    """
    if not any(hazard.code == _CODE for hazard in plan.hazards):
        return
    with (
        connect(dsn, "probe") as connection,
        telling_event_trigger(connection),
        connection.transaction(force_rollback=True),
    ):
        connection.execute("CREATE TEMP TABLE uuidmig_probe (id uuid) ON COMMIT DROP")
        connection.execute("CREATE INDEX ON pg_temp.uuidmig_probe (id)")
