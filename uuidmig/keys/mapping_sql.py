"""The mapping old key -> new key as SQL expressions (docs/design.md, section 1).

The Python twin is `uuidmig.keys.mapping`; a property test proves them equal. The expressions are
plain built-ins inlined into each statement: a SQL function that cannot be inlined costs ten times
as much a row. `uuidmig.plan_time()` and `uuidmig.horizon()` are IMMUTABLE and folded to constants.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

# Version 4 is the nibble 0100 in the high half of byte 6 (RFC 9562 section 4.2).
_VERSION_4: LiteralString = "get_byte(uuid_send({key}), 6) & 240 = 64"
_IS_MAPPED: dict[bool, LiteralString] = {
    False: _VERSION_4,
    True: "get_byte(uuid_send({key}), 6) & 240 <> 112",
}

# The difference of two times as their range type takes it (tstzrange_subdiff in rangetypes.c) is a
# double of seconds. date_part('epoch', ...) gives the same one, but looks the word up for every row
# and takes twice the time; extract() would be numeric. The product is exact to the microsecond
# below 2^51 µs (the year 2041), far beyond any horizon.
_MICROSECONDS: LiteralString = (
    "(tstzrange_subdiff({time}, TIMESTAMPTZ '1970-01-01 00:00:00+00') * 1000000)::bigint"
)
_BOUNDED_TIME: LiteralString = (
    "CASE WHEN {time} <= uuidmig.horizon()"
    " THEN greatest({time}, TIMESTAMPTZ '1970-01-01 00:00:00+00')"
    " ELSE uuidmig.plan_time() END"
)

_PREFIX: LiteralString = "int8send((({us} / 1000) << 16) | 28672 | (({us} % 1000) * 4096 / 1000))"

_KEY: LiteralString = (
    "CASE WHEN {mapped} THEN {prefix} || substring(uuid_send({key}) from 9)"
    " ELSE uuid_send({key}) END"
)

# What nearly every row is, decided without making bytes where the server can tell the version (to
# uuid_extract_version() keys of another variant have none), and a time that is taken as it is. The
# bytes take a fifth less time so, a tenth on older servers.
_QUICK_KEY: LiteralString = (
    "CASE WHEN {version_4} AND {time} <= uuidmig.horizon()"
    " AND {time} >= TIMESTAMPTZ '1970-01-01 00:00:00+00'"
    " THEN {prefix} || substring(uuid_send({key}) from 9) ELSE {any} END"
)
_VERSION_4_17: LiteralString = "uuid_extract_version({key}) = 4"

_BORROWED_PREFIX: LiteralString = (
    "CASE WHEN get_byte({parent}, 6) & 240 = 112"
    " THEN substring({parent} from 1 for 8) ELSE {plan_prefix} END"
)


def time_expression(
    column: sql.Composable, column_type: str, time_zone: str | None
) -> sql.Composable:
    """Return the timestamp column as timestamptz; types without a zone are read in `time_zone`."""
    if column_type == "timestamp with time zone":
        return column
    template: LiteralString = "({column} AT TIME ZONE {zone})"
    if column_type == "date":
        template = "({column}::timestamp AT TIME ZONE {zone})"
    return sql.SQL(template).format(column=column, zone=sql.Literal(time_zone or "UTC"))


def _prefix(time: sql.Composable) -> sql.Composable:
    return sql.SQL(_PREFIX).format(us=sql.SQL(_MICROSECONDS).format(time=time))


def _bounded_prefix(time: sql.Composable) -> sql.Composable:
    return _prefix(sql.SQL(_BOUNDED_TIME).format(time=time))


def _key(key: sql.Composable, prefix: sql.Composable, convert_other: bool) -> sql.Composable:
    mapped = sql.SQL(_IS_MAPPED[convert_other]).format(key=key)
    return sql.SQL(_KEY).format(mapped=mapped, prefix=prefix, key=key)


def key_bytes(
    key: sql.Composable, time: sql.Composable, *, server: int, convert_other: bool = False
) -> sql.Composable:
    """Return the new key of `key` with root timestamp `time` (timestamptz), as 16 bytes (bytea).

    `server` is server_version_num: newer ones have a quicker way. NULL for NULL. Bytes are what
    verification compares: turning them into a uuid costs as much again, as the server has no
    shorter way than through text.
    """
    version_4 = _VERSION_4_17 if server >= 170000 else _VERSION_4
    return sql.SQL(_QUICK_KEY).format(
        version_4=sql.SQL(version_4).format(key=key),
        time=time,
        prefix=_prefix(time),
        key=key,
        any=_key(key, _bounded_prefix(time), convert_other),
    )


def plan_time_bytes(key: sql.Composable, *, convert_other: bool = False) -> sql.Composable:
    """Return the new key of `key` as bytes when its table has no usable timestamp."""
    return _key(key, _prefix(sql.SQL("uuidmig.plan_time()")), convert_other)


def bytes_of_today(key: sql.Composable, *, convert_other: bool = False) -> sql.Composable:
    """Return the new key of `key` as bytes if its row were made now; needs no object of ours."""
    return _key(key, _prefix(sql.SQL("now()")), convert_other)


def borrowed_bytes(
    key: sql.Composable, parent_new: sql.Composable, *, convert_other: bool = False
) -> sql.Composable:
    """Return the new key of `key` as bytes, with the time of its parent's new key `parent_new`,
    which is given as bytes too."""
    plan_prefix = _prefix(sql.SQL("uuidmig.plan_time()"))
    prefix = sql.SQL(_BORROWED_PREFIX).format(parent=parent_new, plan_prefix=plan_prefix)
    return _key(key, prefix, convert_other)


def uuid_expression(key_as_bytes: sql.Composable) -> sql.Composable:
    """Return 16 bytes as a uuid; NULL for NULL."""
    return sql.SQL("encode({}, 'hex')::uuid").format(key_as_bytes)


def bytes_expression(key: sql.Composable) -> sql.Composable:
    """Return a uuid as its 16 bytes."""
    return sql.SQL("uuid_send({})").format(key)


def tail_expression(key: sql.Composable, *, server: int = 0) -> sql.Composable:
    """Return the last 8 bytes of a uuid, which the mapping leaves unchanged.

    They come as bytea, as bigint where `server` (server_version_num) has that cast and is given.
    """
    tail = sql.SQL("substring(uuid_send({}) from 9)").format(key)
    return sql.SQL("{}::bigint").format(tail) if server >= 180000 else tail


def version_expression(key: sql.Composable) -> sql.Composable:
    """Return the version nibble of `key` as an integer."""
    return sql.SQL("(get_byte(uuid_send({key}), 6) >> 4)").format(key=key)


def not_version7_expression(key: sql.Composable, *, server: int = 0) -> sql.Composable:
    """Return the condition that the version nibble of `key` is not 7; not true for NULL.

    Quicker where `server` (server_version_num) has a function that tells the version: it tells none
    of keys of another variant than that of RFC 9562.
    """
    if server < 170000:
        return sql.SQL("get_byte(uuid_send({key}), 6) & 240 <> 112").format(key=key)
    return sql.SQL(
        "NOT coalesce(uuid_extract_version({key}) = 7, get_byte(uuid_send({key}), 6) & 240 = 112)"
    ).format(key=key)
