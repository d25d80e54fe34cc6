"""What a change of the schema since prepare looks like, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from uuidmig.engine import journal
from uuidmig.engine.connection import Connection
from uuidmig.errors import SchemaDrift


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
        if not journal.has_drifted(connection):
            raise
        raise SchemaDrift(
            f"the schema of the tables changed since prepare: {error.diag.message_primary};"
            " run `uuidmig abort`, then migrate again, so that the new tables get the change too"
        ) from error
