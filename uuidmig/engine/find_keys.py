"""Old key to new key and back, while the retired tables are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from uuidmig.engine import journal
from uuidmig.engine.connection import connect


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What a key was and what it is. `table` is the one whose root key it is."""

    table: str
    old: UUID
    new: UUID


def lookup(dsn: str, keys: Sequence[UUID]) -> tuple[KeyPair, ...]:
    """Return the pairs in which the keys occur, on either side; unknown keys give none.

    Old keys are found by their index; for a new key the old table is read from end to end.
    Raises NoJournal, WrongState before the cutover.
    """
    with connect(dsn, "lookup") as connection:
        journal.require(journal.read_run(connection), "lookup", "cutover", "validated")
        rows = connection.execute(
            "SELECT table_name, old, new FROM uuidmig.id_map WHERE old = ANY(%(keys)s)"
            " UNION SELECT table_name, old, new FROM uuidmig.id_map WHERE new = ANY(%(keys)s)"
            " ORDER BY 1, 2",
            {"keys": list(keys)},
        ).fetchall()
    return tuple(KeyPair(*row) for row in rows)
