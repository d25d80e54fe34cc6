"""The copy of ranges of heap pages as two statements: COPY … TO here, COPY … FROM there.

COPY fills a page at a time, with one record in the WAL for all of its rows and the table extended
by many pages at once, where INSERT does all of that row by row (heap_multi_insert in
src/backend/access/heap/heapam.c). And a key computed as bytes becomes a uuid without the way
through text, for in the binary format of COPY a uuid is just these bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from uuidmig.catalog.model import Column
from uuidmig.planner.model import ClosureTable, Plan
from uuidmig.steps.copying import destination, select_pages
from uuidmig.steps.model import Statement
from uuidmig.steps.names import column_list
from uuidmig.steps.pages import PageRange, rows_of_pages
from uuidmig.steps.unforced import is_needed

# Types whose binary form is the value, with nothing to parse. json, jsonb, xml, arrays and others
# would be written out and read again, at many times the cost of copying them.
_NUMBERS = {"bool", "float4", "float8", "int2", "int4", "int8", "money", "numeric", "oid"}
_STRINGS = {"bit", "bpchar", "bytea", "char", "name", "text", "uuid", "varbit", "varchar"}
_TIMES = {"date", "interval", "time", "timestamp", "timestamptz", "timetz"}
_ADDRESSES = {"cidr", "inet", "macaddr", "macaddr8"}
_RELAYED = _NUMBERS | _STRINGS | _TIMES | _ADDRESSES
_NEVER_COMPRESSED = (_NUMBERS - {"numeric"}) | _TIMES | _ADDRESSES | {"char", "name", "uuid"}

_MOST_ROW_BYTES = 512  # wider rows are mostly values that COPY would unpack and pack again
_MOST_TOASTED = 0.01  # of the bytes of a heap


def can_be_relayed(plan: Plan, table: ClosureTable) -> bool:
    """Return whether the rows of a leaf may and should go through COPY.

    Not where row security is forced (COPY would need a policy's leave), nor where a value's binary
    form is not cheap and exact, nor where rows are wide: a compressed or toasted value is copied by
    INSERT as it is, by COPY as what it unpacks to.
    """
    return not is_needed(plan) and _is_narrow(table) and all(map(_is_relayed, _sent(table)))


def copy_out(
    plan: Plan,
    table: ClosureTable,
    *pages: PageRange,
    copied: frozenset[int] = frozenset(),
    limit: int | None = None,
) -> Statement:
    """Return the COPY … TO STDOUT of heap pages through the mapping, see `copy_statement`."""
    select = select_pages(plan, table, pages, copied, limit, keys_as_bytes=True)
    return Statement(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(select))


def copy_in(plan: Plan, table: ClosureTable) -> Statement:
    """Return the COPY … FROM STDIN that takes what `copy_out` gives. It keeps the numbers of
    identity columns, as OVERRIDING SYSTEM VALUE does."""
    return Statement(
        sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            destination(plan, table), column_list(table.copied_columns)
        )
    )


def any_compressed(table: ClosureTable, pages: Sequence[PageRange]) -> Statement | None:
    """Return SELECT of whether the first page of any of these ranges holds a compressed value; None
    where no column can.

    Rows are narrow with values that compress well, and these are what COPY must not touch: it took
    ten times as long as INSERT for texts of 3 kB.
    """
    methods = [
        sql.SQL("pg_column_compression({})").format(sql.Identifier("t", column.name))
        for column in _sent(table)
        if column.base_type not in _NEVER_COMPRESSED and column.type_kind != "e"
    ]
    if not methods:
        return None
    return Statement(
        sql.SQL("SELECT EXISTS (SELECT FROM {} AS t WHERE num_nonnulls({}) > 0)").format(
            rows_of_pages(table, [(first, first + 1) for first, _ in pages]),
            sql.SQL(", ").join(methods),
        )
    )


def _sent(table: ClosureTable) -> Sequence[Column]:
    return [table.table.column(name) for name in table.copied_columns]


def _is_relayed(column: Column) -> bool:
    return column.type_kind == "e" or column.base_type in _RELAYED


def _is_narrow(table: ClosureTable) -> bool:
    source = table.table
    if source.rows <= 0 or source.toast_bytes > _MOST_TOASTED * source.heap_bytes:
        return False
    return source.heap_bytes / source.rows <= _MOST_ROW_BYTES
