"""Both sides of the verification: row count and an order-independent hash sum of whole rows.

References are compared in one of two ways. *Joined*: the source's reference is mapped through its
parent, as the copy does it. *By tail*: both sides hash the last 8 bytes of the reference, which the
mapping leaves alone, and every reference of the shadow must be a key of its parent's shadow. Where
no two keys of a domain share their last 8 bytes both ways prove the same, and the second needs no
join of the rows: the membership is an anti-join of two indexes.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from uuidmig.catalog.model import Column, ForeignKey
from uuidmig.keys.mapping_sql import bytes_expression, not_version7_expression, tail_expression
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan
from uuidmig.steps.mapped import (
    MappedExpressions,
    foreign_key,
    holds_keys_inside,
    is_unchecked,
    key_columns,
    mapped_select,
    source,
)
from uuidmig.steps.model import Statement
from uuidmig.steps.pages import page_range
from uuidmig.steps.row_hash import HashedValue, bytes_as_text, row_hash

_HASHES_BYTES = 180000  # up to 17 SQL can call no hash function for bytea and timestamptz

# A sum, not an exclusive or: pairs of equal differences must not cancel out.
_SUMS = sql.SQL("SELECT count(*), coalesce(sum({hash}), 0), {wrong} FROM {rows} AS t{joins}{where}")


def compares_by_tail(plan: Plan, table: ClosureTable) -> bool:
    """Return whether the table's rows can be compared without its parents.

    Not where a key borrows its time from a parent, a reference may point nowhere, or the values of
    a reference do not tell which root key they are.
    """
    borrows = any(plan.domain(root).timestamp.kind == "parent" for _, root in table.roots)
    return not borrows and all(
        plan.domain(reference.domain).root_unique and not is_unchecked(table, reference)
        for reference in table.references
    )


def source_sums(
    plan: Plan, table: ClosureTable, first_page: int, last_page: int | None, *, by_tail: bool
) -> Statement:
    """Return SELECT rows, hash sum, orphans of source pages [first_page, last_page), mapped.

    Orphans are rows with a reference whose parent was not found; `by_tail` none is looked for.
    """
    expressions = MappedExpressions(plan, source)
    lost: list[sql.Composable] = []
    values = []
    for column in _compared(table):
        own = sql.Identifier("t", column.name)
        if by_tail and _is_reference(table, column):
            values.append(_hashed_bytes(column, tail_expression(own)))
            continue
        if (text := expressions.text(table, column.name, "t")) is not None:
            values.append(HashedValue(text, column.hash_function, column.not_null))
            continue
        if (held := expressions.held(table, column.name, "t")) is not None:
            values.append(_as_written(held, column))
            continue
        key = expressions.key(table, column.name, "t")
        values.append(_plain(column, "t") if key is None else _hashed_bytes(column, key))
        if key is not None and _is_reference(table, column):
            lost.append(sql.SQL("({} IS NULL AND {} IS NOT NULL)").format(key, own))
    return Statement(
        _SUMS.format(
            hash=_hash(plan, values),
            wrong=_count(lost),
            rows=table.name.identifier,
            joins=sql.SQL("").join(expressions.joins),
            where=_pages(first_page, last_page),
        )
    )


def shadow_sums(
    plan: Plan, table: ClosureTable, first_page: int, last_page: int | None, *, by_tail: bool
) -> Statement:
    """Return SELECT rows, hash sum, root keys that are not version 7 of shadow pages."""
    roots = [] if plan.options.non_v4 == "keep" else [column for column, _ in table.roots]
    server = plan.server.version
    wrong = [not_version7_expression(sql.Identifier("t", root), server=server) for root in roots]
    return Statement(
        _SUMS.format(
            hash=_hash(plan, [_shadow_value(plan, table, c, by_tail) for c in _compared(table)]),
            wrong=_count(wrong),
            rows=table.shadow.identifier,
            joins=sql.SQL(""),
            where=_pages(first_page, last_page),
        )
    )


def _shadow_value(plan: Plan, table: ClosureTable, column: Column, by_tail: bool) -> HashedValue:
    own = sql.Identifier("t", column.name)
    if by_tail and _is_reference(table, column):
        return _hashed_bytes(column, tail_expression(own))
    if column.name not in key_columns(table):
        return _as_it_is(table, column, "t")
    if plan.server.version >= _HASHES_BYTES:
        # uuid_hash_extended() and hashbyteaextended() hash the same bytes in the same way.
        return HashedValue(own, "uuid_hash_extended", column.not_null)
    return _hashed_bytes(column, bytes_expression(own))


def _compared(table: ClosureTable) -> list[Column]:
    return [column for column in table.table.columns if not column.generated]


def _is_reference(table: ClosureTable, column: Column) -> bool:
    return column.name in {r.column for r in table.references} - {c for c, _ in table.roots}


def _hash(plan: Plan, values: list[HashedValue]) -> sql.Composable:
    return row_hash(values if plan.server.version >= _HASHES_BYTES else bytes_as_text(values))


def _hashed_bytes(column: Column, value: sql.Composable) -> HashedValue:
    """Return a value of 8 or 16 bytes, on both sides of the same column as many."""
    return HashedValue(value, "hashbyteaextended", column.not_null)


def _plain(column: Column, alias: str) -> HashedValue:
    """Return a column as it is; a type without hash function is compared as its text."""
    name = sql.Identifier(alias, column.name)
    if not column.hashable:
        return HashedValue(sql.SQL("{}::text").format(name), None)
    if column.base_type == "timestamptz" and column.hash_function is None:
        # The same number of microseconds. An interval as zone is added and not looked up.
        in_utc = sql.SQL("({} AT TIME ZONE INTERVAL '0')").format(name)
        return HashedValue(in_utc, "timestamp_hash_extended", column.not_null)
    return HashedValue(name, column.hash_function, column.not_null)


def _as_it_is(table: ClosureTable, column: Column, alias: str) -> HashedValue:
    if holds_keys_inside(table, column.name):
        return _as_written(sql.Identifier(alias, column.name), column)
    return _plain(column, alias)


def _as_written(value: sql.Composable, column: Column) -> HashedValue:
    """Return an array or document as its text: the types' hashes do not tell all of it."""
    text = sql.SQL('({})::text COLLATE "C"').format(value)
    return HashedValue(text, "hashtextextended", column.not_null)


def _count(conditions: list[sql.Composable]) -> sql.Composable:
    if not conditions:
        return sql.SQL("0::bigint")
    return sql.SQL("count(*) FILTER (WHERE {})").format(sql.SQL(" OR ").join(conditions))


def _pages(first_page: int, last_page: int | None) -> sql.Composable:
    return sql.SQL(" WHERE {}").format(page_range("t", first_page, last_page))


def shared_tails(plan: Plan, domain: KeyDomain) -> Statement:
    """Return SELECT of how many last 8 bytes belong to several keys of the domain's root shadow.

    Up to 17 they have no number: their hashes are compared then, which sort in two thirds of the
    time. Two that meet by chance among others would only cost the quick way.
    """
    key = sql.Identifier("t", domain.root.column)
    tail = tail_expression(key, server=plan.server.version)
    if plan.server.version < _HASHES_BYTES:
        tail = sql.SQL("hashtextextended(encode({}, 'hex'), 0)").format(tail)
    return Statement(
        sql.SQL("SELECT count(*) - count(DISTINCT {}) FROM {} AS t WHERE {} IS NOT NULL").format(
            tail,
            plan.table(domain.root.table).shadow.identifier,
            key,
        )
    )


def lost_references(plan: Plan, table: ClosureTable, key: ForeignKey) -> Statement:
    """Return SELECT of how many rows of the shadow reference no key of the parent's shadow."""
    parent = plan.table(key.parent)
    pairs = [
        sql.SQL("p.{} = t.{}").format(sql.Identifier(theirs), sql.Identifier(ours))
        for ours, theirs in zip(key.columns, key.parent_columns, strict=True)
    ]
    set_columns = [sql.SQL("t.{} IS NOT NULL").format(sql.Identifier(c)) for c in key.columns]
    return Statement(
        sql.SQL(
            "SELECT count(*) FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})"
        ).format(
            table.shadow.identifier,
            sql.SQL(" AND ").join(set_columns),
            parent.shadow.identifier,
            sql.SQL(" AND ").join(pairs),
        )
    )


def key_references(table: ClosureTable) -> tuple[ForeignKey, ...]:
    """Return the foreign keys through which the table references keys of a domain."""
    names = dict.fromkeys(reference.foreign_key for reference in table.references)
    return tuple(foreign_key(table, name) for name in names if name is not None)


def differing_rows(plan: Plan, table: ClosureTable, limit: int = 5) -> Statement:
    """Return SELECT of up to `limit` identities that differ, with the side they are missing on."""
    rows = sql.SQL(
        "SELECT {identity}, hash_record_extended(ROW({columns}), 0) AS row_hash FROM {rows} AS r"
    )
    identity = sql.SQL(", ").join([sql.Identifier("r", column) for column in table.identity])
    columns = _values(_as_it_is(table, column, "r") for column in _compared(table))
    source_rows = rows.format(
        identity=identity,
        columns=columns,
        rows=sql.SQL("({})").format(mapped_select(plan, table)),
    )
    shadow_rows = rows.format(identity=identity, columns=columns, rows=table.shadow.identifier)
    return Statement(
        sql.SQL(
            "(SELECT 'missing or different in the new table' AS what, (d.*)::text"
            " FROM ({source} EXCEPT ALL {shadow}) AS d LIMIT {limit})"
            " UNION ALL (SELECT 'only in the new table', (d.*)::text"
            " FROM ({shadow} EXCEPT ALL {source}) AS d LIMIT {limit})"
        ).format(source=source_rows, shadow=shadow_rows, limit=sql.Literal(limit))
    )


def _values(hashed: Iterable[HashedValue]) -> sql.Composable:
    return sql.SQL(", ").join([value.value for value in hashed])
