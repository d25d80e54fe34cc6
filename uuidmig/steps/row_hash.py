"""A 64-bit hash of a whole row, equal on both sides of a comparison.

Calls of the built-in hash functions are chained, each with the hash so far as its seed: a third of
what hash_record_extended() costs, which forms and takes apart a record of every row. It remains
for types whose hash function SQL cannot call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

_NULL_HASH = 6700417  # any number: what a NULL counts as


@dataclass(frozen=True, slots=True)
class HashedValue:
    """One value of a row: `function` is its (value, seed bigint) hash, None for the record."""

    value: sql.Composable
    function: str | None
    not_null: bool = False


def row_hash(values: Iterable[HashedValue]) -> sql.Composable:
    """Return the bigint expression over all values, in their order."""
    chained = [value for value in values if value.function is not None]
    rest = [value.value for value in values if value.function is None]
    result: sql.Composable = sql.SQL("0::bigint")
    if rest:
        result = sql.SQL("hash_record_extended(ROW({}), 0)").format(sql.SQL(", ").join(rest))
    for value in chained:
        result = _link(value, result)
    return result


def _link(value: HashedValue, seed: sql.Composable) -> sql.Composable:
    function = sql.Identifier("pg_catalog", value.function or "")
    if value.not_null:
        return sql.SQL("{}({}, {})").format(function, value.value, seed)
    # Strict functions give NULL for NULL. The seed must be written only once, or it doubles with
    # every column.
    return sql.SQL("hashint8extended(coalesce({}({}, 0), {}), {})").format(
        function, value.value, sql.Literal(_NULL_HASH), seed
    )
