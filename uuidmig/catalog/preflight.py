"""What stands against a run at this moment: plain data; the planner makes hazards of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.catalog.model import RelationName
from uuidmig.catalog.rows import Row, fetch


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """An open transaction of another session in this database. `seconds` since it began."""

    pid: int
    seconds: float
    user: str
    application: str
    state: str  # "active", "idle in transaction", ...


@dataclass(frozen=True, slots=True)
class WraparoundVacuum:
    """An autovacuum to prevent wraparound: it does not give way when DDL wants the table."""

    relation: RelationName
    pid: int


@dataclass(frozen=True, slots=True)
class PreparedTransaction:
    """A transaction prepared for two-phase commit that holds locks on `relations`."""

    gid: str
    seconds: float
    owner: str
    relations: tuple[RelationName, ...]


@dataclass(frozen=True, slots=True)
class MissingRight:
    """A right the current role needs. privilege: "CREATE", "TEMPORARY", "USAGE", one on a table
    that its owner gave up (like "DELETE"), or "OWNER" for being the owner or a member of it that
    may also give objects to it."""

    privilege: str
    object: str  # "database shop", "schema public", "table public.orders"


@dataclass(frozen=True, slots=True)
class ReplicationSlot:
    """A slot and the WAL it holds back; None when it holds back none. `plugin` is what decodes the
    changes of this database for it; None for physical slots and those of other databases."""

    name: str
    active: bool
    plugin: str | None
    wal_status: str  # "reserved", "extended", "unreserved", "lost", "" unknown
    retained_bytes: int | None


@dataclass(frozen=True, slots=True)
class InvalidIndex:
    """An index that a failed CREATE INDEX CONCURRENTLY left behind."""

    relation: RelationName
    name: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """All findings. `hidden_sessions` are at work now, but not ours to look at: any of them may be
    a long transaction. `free_disk_bytes` is None when nobody tells it."""

    in_recovery: bool
    free_disk_bytes: int | None
    hidden_sessions: int
    transactions: tuple[LongTransaction, ...]
    wraparound_vacuums: tuple[WraparoundVacuum, ...]
    prepared_transactions: tuple[PreparedTransaction, ...]
    missing_rights: tuple[MissingRight, ...]
    replication_slots: tuple[ReplicationSlot, ...]
    invalid_indexes: tuple[InvalidIndex, ...]


def read_preflight(
    connection: psycopg.Connection[Any],
    tables: Sequence[RelationName],
    *,
    long_seconds: float = 60.0,
) -> Preflight:
    """Look at the server and at the tables, as an ordinary role may. Does not write.

    Transactions open for more than `long_seconds` are reported. Tables that do not exist are not.
    """
    with connection.transaction():
        (server,) = fetch(connection, "preflight_server")
        oids = _oids(connection, tables)

        def read(query: str) -> list[Row]:
            return fetch(connection, query, tables=oids)

        return Preflight(
            in_recovery=server["in_recovery"],
            free_disk_bytes=_free_bytes(server["data_directory"]),
            hidden_sessions=fetch(connection, "preflight_hidden_sessions")[0]["sessions"],
            transactions=_long_transactions(connection, long_seconds),
            wraparound_vacuums=tuple(map(_vacuum, read("preflight_vacuums"))),
            prepared_transactions=tuple(map(_prepared, read("preflight_prepared"))),
            missing_rights=_missing_rights(connection, oids, server["version"]),
            replication_slots=_replication_slots(connection),
            invalid_indexes=tuple(map(_invalid_index, read("preflight_invalid_indexes"))),
        )


def _oids(connection: psycopg.Connection[Any], tables: Sequence[RelationName]) -> list[int]:
    schemas, names = [table.schema for table in tables], [table.name for table in tables]
    rows = fetch(connection, "preflight_tables", schemas=schemas, names=names)
    return [row["oid"] for row in rows]


def _free_bytes(directory: str | None) -> int | None:
    """Free space below the data directory, when it is one of this machine that can be looked at."""
    if directory is None:
        return None
    try:
        disk = os.statvfs(directory)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def _long_transactions(
    connection: psycopg.Connection[Any], seconds: float
) -> tuple[LongTransaction, ...]:
    rows = fetch(connection, "preflight_transactions", seconds=seconds)
    return tuple(LongTransaction(**row) for row in rows)


def _missing_rights(
    connection: psycopg.Connection[Any], oids: list[int], version: int
) -> tuple[MissingRight, ...]:
    give_away = "SET" if version >= 160000 else "MEMBER"
    rows = fetch(connection, "preflight_rights", tables=oids, give_away=give_away)
    return tuple(MissingRight(**row) for row in rows)


def _replication_slots(connection: psycopg.Connection[Any]) -> tuple[ReplicationSlot, ...]:
    return tuple(ReplicationSlot(**row) for row in fetch(connection, "preflight_slots"))


def _vacuum(row: Row) -> WraparoundVacuum:
    return WraparoundVacuum(RelationName(*row["relation"]), row["pid"])


def _prepared(row: Row) -> PreparedTransaction:
    relations = tuple(RelationName(*relation) for relation in row["relations"])
    return PreparedTransaction(row["gid"], row["seconds"], row["owner"], relations)


def _invalid_index(row: Row) -> InvalidIndex:
    return InvalidIndex(RelationName(*row["relation"]), row["name"])
