"""Statements and steps. A step returns statements; only `uuidmig.engine` runs them."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.sql import Composable, Composed


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL command, complete with its values, ready for psql, Alembic or psycopg."""

    sql: Composable
    comment: str = ""

    @property
    def query(self) -> Composed:
        """What psycopg executes."""
        return Composed([self.sql])

    @property
    def text(self) -> str:
        """The SQL as text, identifiers and literals quoted; no connection needed."""
        return self.sql.as_string(None)


@dataclass(frozen=True, slots=True)
class Step:
    """What one stage does. `lock` is the strongest lock it takes, `blocks` whom that stops.

    `transactional` False: the statements run one by one outside a transaction and may run again
    after a crash. `undo` is empty where there is no way back: nothing after finish can be undone.
    """

    id: str
    title: str
    lock: str
    blocks: str
    apply: tuple[Statement, ...]
    undo: tuple[Statement, ...] = ()
    transactional: bool = True
