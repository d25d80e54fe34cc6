"""What looks like production: there a benchmark would take memory, disk and time from others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg

from uuidmig.catalog.rows import Row, fetch
from uuidmig.errors import PreflightRefused
from uuidmig.report.units import count, size

_MOMENT_SECONDS = 0.5

LARGEST_BYTES = 1024**3
"""A database of more bytes than this is taken for one that somebody needs."""


def refuse_production(connection: psycopg.Connection[Any]) -> None:
    """Raise PreflightRefused with all signs that others depend on this server; reads only.

    Signs are: other sessions in this database, replication slots, standbys, publications,
    subscriptions, WAL archiving, and a database larger than LARGEST_BYTES.
    """
    (row,) = fetch(connection, "bench_production")
    if row["sessions"]:  # a session of ours that has just been closed may still be listed
        time.sleep(_MOMENT_SECONDS)
        (row,) = fetch(connection, "bench_production")
    if signs := list(_signs(row)):
        raise PreflightRefused(
            [*signs, "if it may be measured on all the same, say --allow-production"]
        )


def _signs(row: Row) -> Iterator[str]:
    for name, what in (
        ("sessions", "other sessions are connected to this database"),
        ("slots", "replication slots exist"),
        ("standbys", "standbys are connected"),
        ("publications", "publications exist in this database"),
        ("subscriptions", "subscriptions exist in this database"),
    ):
        if row[name]:
            yield f"looks like production: {what} ({count(row[name])})"
    if row["archives"]:
        yield "looks like production: the server archives its WAL (archive_mode)"
    if row["bytes"] > LARGEST_BYTES:
        yield f"looks like production: this database holds {size(row['bytes'])}"
