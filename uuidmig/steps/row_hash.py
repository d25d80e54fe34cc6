"""A 64-bit hash of a whole row, equal on both sides of a comparison.

Calls of the built-in hash functions are chained, each with the hash so far as its seed: a third of
what hash_record_extended() costs, which forms and takes apart a record of every row. And the sum
of such a hash over rows tells which values stand together in a row; that of the record's does not:
it is linear in the hashes of its columns (hash_record_extended in rowtypes.c), so two rows that
swapped the values of a column have the same sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from psycopg import sql

# These mix all bits of the seed into every result (hash_bytes_extended and
# hash_bytes_uint32_extended in hashfn.c). Others leave it as it is for some values, like 0.0 and
# {}, or lose it, as jsonb_hash_extended() does for arrays.
_KEEPING_THE_SEED = frozenset({
    "hashbyteaextended",
    "hashdateextended",
    "hashint2extended",
    "hashint4extended",
    "hashint8extended",
    "hashoidextended",
    "hashtextextended",
    "timestamp_hash_extended",
    "timestamptz_hash_extended",
    "uuid_hash_extended",
})  # fmt: skip
_NULL_HASH = 6700417  # any number: what a NULL counts as
_MIXED = 1  # any number: the value whose hash mixes up its seed


@dataclass(frozen=True, slots=True)
class HashedValue:
    """One value of a row: `function` is its (value, seed bigint) hash; None: that of the record."""

    value: sql.Composable
    function: str | None
    not_null: bool = False


def row_hash(values: Iterable[HashedValue]) -> sql.Composable:
    """Return the bigint expression over all values, in their order. It grows with their number."""
    start: sql.Composable = sql.SQL("0::bigint")
    return reduce(_link, values, start)


def bytes_as_text(values: Iterable[HashedValue]) -> list[HashedValue]:
    """Return the values with those for hashbyteaextended, which only later servers let SQL call, as
    hexadecimal text. What is never NULL, of a fixed length each, is one text: a call a row.
    """
    together: list[sql.Composable] = []
    alone: list[HashedValue] = []
    others: list[HashedValue] = []
    for value in values:
        if value.function != "hashbyteaextended":
            others.append(value)
        elif value.not_null:
            together.append(value.value)
        else:
            alone.append(_hexadecimal(value.value, not_null=False))
    joined = [_hexadecimal(sql.SQL(" || ").join(together), not_null=True)] if together else []
    return [*joined, *alone, *others]


def _hexadecimal(value: sql.Composable, *, not_null: bool) -> HashedValue:
    return HashedValue(sql.SQL("encode({}, 'hex')").format(value), "hashtextextended", not_null)


def _link(seed: sql.Composable, value: HashedValue) -> sql.Composable:
    if value.function in _KEEPING_THE_SEED and value.not_null:
        return sql.SQL("{}({}, {})").format(_name(value.function), value.value, seed)
    # The seed is written only once, or the expression would double with every column.
    return sql.SQL("hashint4extended({}, {} # {})").format(
        sql.Literal(_MIXED), seed, _own_hash(value)
    )


def _own_hash(value: HashedValue) -> sql.Composable:
    if value.function is None:
        return sql.SQL("hash_record_extended(ROW({}), 0)").format(value.value)
    called = sql.SQL("{}({}, 0)").format(_name(value.function), value.value)
    if value.not_null:
        return called
    return sql.SQL("coalesce({}, {})").format(called, sql.Literal(_NULL_HASH))


def _name(function: str) -> sql.Identifier:
    return sql.Identifier("pg_catalog", function)
