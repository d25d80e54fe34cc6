"""SQL text that the server's own deparser wrote, replayed as it is or under another name.

`pg_get_indexdef` and its kin return complete, correctly quoted SQL. It is data from the catalog,
not from a user, but still no literal of ours: this module is the only place that turns such text
into a `sql.SQL`, so a reader finds every use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import LiteralString, cast

from psycopg import sql

from uuidmig.catalog.model import Column, RelationName

# The deparser quotes a name only where it must; both forms are one token without blanks outside.
_NAME = r'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_RELATION = rf"{_NAME}\.{_NAME}"
_INDEX = re.compile(rf"(CREATE (?:UNIQUE )?INDEX {_NAME} ON )(?:ONLY )?{_RELATION}(?= USING )")
_STATISTICS = re.compile(rf"CREATE STATISTICS {_RELATION}(?=[ (])")
_FROM = re.compile(rf" FROM {_RELATION}$")


def index_on(definition: str, relation: RelationName, *, only: bool = False) -> sql.Composed:
    """Return CREATE INDEX of the same name and shape on another table, or ON ONLY it.

    Raises ValueError when `definition` is not what pg_get_indexdef() writes.
    """
    found = _INDEX.match(definition)
    if found is None:
        raise ValueError(f"not an index definition: {definition}")
    head, rest = found.group(1), definition[found.end() :]
    on = sql.SQL("ONLY " if only else "")
    return sql.Composed([verbatim(head), on, relation.identifier, verbatim(rest)])


def statistics_on(definition: str, name: RelationName, relation: RelationName) -> sql.Composed:
    """Return CREATE STATISTICS of the same shape under another name on another table.

    Raises ValueError when `definition` is not what pg_get_statisticsobjdef() writes.
    """
    start, end = _STATISTICS.match(definition), _FROM.search(definition)
    if start is None or end is None:
        raise ValueError(f"not a statistics definition: {definition}")
    return sql.Composed(
        [
            sql.SQL("CREATE STATISTICS "),
            name.identifier,
            verbatim(definition[start.end() : end.start()]),
            sql.SQL(" FROM "),
            relation.identifier,
        ]
    )


def base_type(column: Column) -> sql.Composable:
    """Return the type of the column, of a domain the type that it is a domain over."""
    if "." in column.base_type:
        return verbatim(column.base_type)
    return sql.Identifier("pg_catalog", column.base_type)


def verbatim(text: str) -> sql.Composable:
    """Return deparsed SQL text as a composable. Only for text read from the catalog."""
    return sql.SQL(cast(LiteralString, text))  # type: ignore[redundant-cast]


def option_name(name: str) -> sql.Composable:
    """Return the name of a storage option, for RESET (…)."""
    # A namespace (toast.) is a name of its own: quoted together they would be another option.
    return sql.Identifier(*name.split(".", 1))


def options_list(options: Iterable[str]) -> sql.Composed:
    """Return `name=value` options, as the catalog keeps them, for WITH (…) or SET (…)."""
    pairs = [option.partition("=") for option in options]
    return sql.SQL(", ").join(
        [
            sql.SQL("{} = {}").format(option_name(name), sql.Literal(value))
            for name, _, value in pairs
        ]
    )
