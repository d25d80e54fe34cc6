"""A short insert probe: what an insert costs with the keys that are made now.

Nothing of the user's is written, no function of theirs runs. In one transaction, rolled back in
the end, a table of our own takes the first rows of the user's table, with the same uuid indexes,
grown by inserts as age would have; then new rows go in, batch by batch. What is left behind:
catalog rows for VACUUM, as after any rolled back CREATE TABLE, and the WAL of the copy.

What it cannot show: the copy is small and lies in memory, and no checkpoint falls between its rows.
So there are no reads from disk and hardly a full-page image, which is where random keys cost most
in a database larger than memory. Ratios of the probe are a lower bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from uuidmig.bench.measurement import InsertProbe
from uuidmig.catalog.model import Column, Index, KeyCounts, RelationName, Table
from uuidmig.catalog.rows import fetch
from uuidmig.planner.generators import find_generator
from uuidmig.steps.journal import generator
from uuidmig.steps.names import column_list
from uuidmig.steps.verbatim import index_on

PRELOADED = 50_000
BATCH = 1000
BATCHES = 30
MOST_SECONDS = 3.0  # of one probe
MOST_BYTES = 32 * 2**20  # of rows that are copied
LEAST_ROWS = 2000

_SCHEMA = "uuidmig_probe"
_COPY = RelationName(_SCHEMA, "rows")
_NEXT = sql.SQL("pg_temp.uuidmig_probe_batch")

# Of our own: uuidmig_keys.uuidv7() is there from prepare on, the server's uuidv7() from 18.
_UUID7 = sql.Identifier(_SCHEMA, "uuidv7")
_NEW_KEY = {
    4: sql.SQL("pg_catalog.gen_random_uuid()"),
    7: sql.SQL("{}()").format(_UUID7),
}


class NothingToProbe(Exception):
    """Why this table has no probe; its message is for people."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """A table with what the probe needs of it. `generator` says what makes its keys, for people."""

    table: Table
    key: str
    columns: tuple[str, ...]
    indexes: tuple[Index, ...]
    version: int
    generator: str


def probe_inserts(
    connection: psycopg.Connection[Any], table: Table, keys: KeyCounts | None
) -> InsertProbe:
    """Return what inserts cost; the connection is in autocommit mode. Leaves no row.

    `keys` says which version to make where the column has no default. NothingToProbe for a table
    without a uuid key of its own or with few rows; psycopg.Error when a right or the time is short.
    """
    subject = _subject(table, keys)
    with connection.transaction(force_rollback=True):
        _bound(connection)
        indexes = _create(connection, subject)
        preloaded = _preload(connection, subject)
        if preloaded < LEAST_ROWS:
            raise NothingToProbe(f"{table.name}: fewer than {LEAST_ROWS} rows")
        plans = list(_insert(connection, subject, preloaded - BATCH))
        return InsertProbe(
            table=table.name,
            indexes=indexes,
            generator=subject.generator,
            key_version=subject.version,
            preloaded=preloaded,
            rows=BATCH * len(plans),
            batch=BATCH,
            batch_ms=tuple(round(plan["Execution Time"], 3) for plan in plans),
            **_written(connection, plans),
            index_bytes=_index_bytes(connection, indexes),
            leaf_density=_density(connection, indexes),
        )


def key_column(table: Table) -> str | None:
    """Return the uuid column of the primary key that the table makes itself, None without one."""
    if table.primary_key is None:
        return None
    borrowed = {column for key in table.foreign_keys for column in key.columns}
    for name in table.primary_key.columns:
        if name is not None and name not in borrowed and table.column(name).base_type == "uuid":
            return name
    return None


def _subject(table: Table, keys: KeyCounts | None) -> _Subject:
    key = key_column(table)
    if key is None:
        raise NothingToProbe(f"{table.name}: no uuid key of its own")
    generated = {column.name for column in table.columns if column.generated}
    uuids = {column.name for column in table.columns if column.base_type == "uuid"}
    indexes = [
        index
        for index in table.indexes
        if index.method == "btree"
        and index.valid
        and not index.partial
        and None not in index.columns
        and uuids & set(index.columns)
        and not generated & {*index.columns, *index.included}
    ]
    version, generator = _generator(table.column(key), keys)
    return _Subject(
        table=table,
        key=key,
        columns=tuple(column.name for column in table.columns if not column.generated),
        indexes=tuple(sorted(indexes, key=lambda index: not index.primary)),
        version=version,
        generator=generator,
    )


def _generator(column: Column, keys: KeyCounts | None) -> tuple[int, str]:
    """Return which version new keys have, and why we think so; a default of theirs is not run."""
    found = find_generator(column, server_version=0)
    match found.kind:
        case "server":
            return 4, f"default {found.expression}"
        case "server_v7":
            return 7, f"default {found.expression}"
    version = 7 if keys is not None and keys.v7 > keys.v4 + keys.other else 4
    return version, f"as most of its keys: {found.expression or 'the column has no default'}"


def _bound(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET LOCAL lock_timeout = '200ms'")
    connection.execute("SET LOCAL statement_timeout = '5s'")
    connection.execute("SET LOCAL jit = off")
    connection.execute("SET LOCAL synchronize_seqscans = off")
    connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")


def _create(connection: psycopg.Connection[Any], subject: _Subject) -> tuple[str, ...]:
    """Create the copy, its indexes and the table of the next batch; return the indexes' names."""
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(_SCHEMA)))
    connection.execute(generator(_UUID7))
    like = sql.SQL(" AS SELECT {} FROM {} WITH NO DATA").format(
        column_list(subject.columns), subject.table.name.identifier
    )
    connection.execute(sql.SQL("CREATE TABLE {}").format(_COPY.identifier) + like)
    connection.execute(sql.SQL("CREATE TABLE {}").format(_NEXT) + like)
    for index in subject.indexes:
        connection.execute(index_on(_definition(index, subject.key), _COPY))
    return tuple(index.name for index in subject.indexes)


def _definition(index: Index, key: str) -> str:
    """Only the key is made anew: other columns repeat, which must not fail here."""
    if index.unique and key not in index.columns:
        return index.definition.replace("CREATE UNIQUE INDEX", "CREATE INDEX", 1)
    return index.definition


def _preload(connection: psycopg.Connection[Any], subject: _Subject) -> int:
    heap = subject.table.heap_bytes + subject.table.toast_bytes
    row_bytes = max(1.0, heap / max(subject.table.rows, 1.0)) if subject.table.rows > 0 else 200.0
    first = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
        column_list(subject.columns),
        subject.table.name.identifier,
        sql.Literal(int(min(PRELOADED, MOST_BYTES / row_bytes))),
    )
    # Keys with a time come in its order, others in that of the rows, which is none for them.
    order = sql.SQL(" ORDER BY {}").format(sql.Identifier(subject.key))
    return connection.execute(
        sql.SQL("INSERT INTO {} ({columns}) SELECT {columns} FROM ({}) AS first{}").format(
            _COPY.identifier,
            first,
            order if subject.version == 7 else sql.SQL(""),
            columns=column_list(subject.columns),
        )
    ).rowcount


def _insert(
    connection: psycopg.Connection[Any], subject: _Subject, preloaded: int
) -> Iterator[dict[str, Any]]:
    """Insert batch by batch, within the time, and yield the server's own account of each.

    EXPLAIN counts the WAL of this statement alone, whoever else is at work. A batch's keys and
    rows are made beforehand, so neither the generator nor the reading is on the clock.
    """
    others = [name for name in subject.columns if name != subject.key]
    columns = column_list([subject.key, *others])
    made = sql.SQL(", ").join([_NEW_KEY[subject.version], *map(sql.Identifier, others)])
    put = sql.SQL(
        "EXPLAIN (ANALYZE, WAL, TIMING OFF, FORMAT JSON) INSERT INTO {0} ({1}) SELECT {1} FROM {2}"
    ).format(_COPY.identifier, columns, _NEXT)
    until = time.monotonic() + MOST_SECONDS
    for number in range(BATCHES):
        if time.monotonic() > until:
            return
        first = sql.Literal(number * BATCH % preloaded)
        connection.execute(sql.SQL("TRUNCATE {}").format(_NEXT))
        connection.execute(
            # In a query of their own, or a key would be made for each row that is passed over.
            sql.SQL(
                "INSERT INTO {} ({}) SELECT {} FROM (SELECT * FROM {} OFFSET {} LIMIT {}) r"
            ).format(_NEXT, columns, made, _COPY.identifier, first, sql.Literal(BATCH))
        )
        row = connection.execute(put).fetchone()
        if row is not None:
            yield row[0][0]


def _written(
    connection: psycopg.Connection[Any], plans: list[dict[str, Any]]
) -> dict[str, int | None]:
    row = connection.execute("SELECT current_setting('wal_level') = 'minimal'").fetchone()
    if row is not None and row[0]:  # then a table that the transaction made has no WAL
        return {"wal_bytes": None, "full_page_images": None}
    return {
        "wal_bytes": sum(plan["Plan"].get("WAL Bytes", 0) for plan in plans),
        "full_page_images": sum(plan["Plan"].get("WAL FPI", 0) for plan in plans),
    }


def _index_bytes(connection: psycopg.Connection[Any], indexes: tuple[str, ...]) -> int:
    name = sql.Identifier(_SCHEMA, indexes[0]).as_string(connection)
    row = connection.execute("SELECT pg_relation_size(%s::regclass)", [name]).fetchone()
    return int(row[0]) if row else 0


def _density(connection: psycopg.Connection[Any], indexes: tuple[str, ...]) -> float | None:
    found = [row for row in fetch(connection, "pgstatindex") if row["permitted"]]
    if not found:
        return None
    function = sql.Identifier(found[0]["schema_name"], "pgstatindex")
    name = sql.Identifier(_SCHEMA, indexes[0]).as_string(connection)
    row = connection.execute(
        sql.SQL("SELECT avg_leaf_density FROM {}(%s::regclass)").format(function), [name]
    ).fetchone()
    return float(row[0]) if row else None
