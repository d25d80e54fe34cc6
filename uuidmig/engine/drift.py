"""What a change of the schema since prepare looks like, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection
from uuidmig.errors import SchemaDrift

_ABORT = "run `uuidmig abort`, then migrate again, so that the new tables get the change too"


def find_drift(connection: Connection, symptom: str | None = None) -> SchemaDrift | None:
    """Return the error that says how the schema changed since prepare, None when it did not.

    `symptom` is what made somebody ask. Partitions that came or went are named.
    """
    changed = changed_partitions(connection)
    if not changed and not journal.has_drifted(connection):
        return None
    what = "; ".join([*(change for change, _ in changed), *([symptom] if symptom else [])])
    remedies = "\n".join(dict.fromkeys(remedy for _, remedy in changed)) or _ABORT
    told = f": {what}" if what else ""
    return SchemaDrift(f"the schema of the tables changed since prepare{told};\n{remedies}")


def changed_partitions(connection: Connection) -> list[tuple[str, str]]:
    """Return how the partitions of the closure changed since prepare, each with what to do."""
    row = connection.execute("SELECT to_regprocedure('uuidmig.changed_partitions()')").fetchone()
    if row is None or row[0] is None:
        return []
    return connection.execute("SELECT * FROM uuidmig.changed_partitions()").fetchall()


@contextmanager
def telling_drift(connection: Connection) -> Iterator[None]:
    """A changed column shows first as an error of what reads it: say what it means.

    A publication FOR ALL TABLES shows as a change log that cannot be emptied (55000).
    """
    try:
        yield
    except (
        psycopg.ProgrammingError,
        psycopg.DataError,
        psycopg.IntegrityError,
        psycopg.errors.ObjectNotInPrerequisiteState,
    ) as error:
        drift = find_drift(connection, error.diag.message_primary)
        if drift is None:
            raise
        raise drift from error
