"""What figures depend on besides keys: the server's version, settings and memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from uuidmig.bench.inserts.place import Place
from uuidmig.catalog.rows import fetch

# Both versions of control groups; "max" or a number near 2^63 is no limit.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_MEMORY = "/proc/meminfo"
_READ = "SELECT pg_read_file(%s, 0, 4096, true)"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The server. `memory_bytes` is what it can use for itself and the cache of its files: the
    machine's memory or the container's limit; None when that cannot be known from here."""

    server: str
    version: str
    shared_buffers: int
    memory_bytes: int | None
    settings: dict[str, str]


def read_surroundings(connection: psycopg.Connection[Any], place: Place) -> Surroundings:
    """Return what this server is like. Reads only."""
    settings = {row["name"]: row["value"] for row in fetch(connection, "bench_settings")}
    row = connection.execute("SELECT pg_size_bytes(current_setting('shared_buffers'))").fetchone()
    return Surroundings(
        server=place.kind,
        version=settings["server_version"],
        shared_buffers=int(row[0]) if row else 0,
        memory_bytes=place.memory_bytes or _memory(connection, place),
        settings=settings,
    )


def _memory(connection: psycopg.Connection[Any], place: Place) -> int | None:
    if place.kind == "embedded":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(_readable(connection), default=None)


def _readable(connection: psycopg.Connection[Any]) -> Iterator[int]:
    """Yield what the server's own files say, where we may read them: superusers only."""
    for path in (*_LIMITS, _MEMORY):
        try:
            row = connection.execute(_READ, [path]).fetchone()
        except psycopg.Error:
            return
        text = (row and row[0]) or ""
        if path == _MEMORY:
            found = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
            yield from [int(found[1]) * 1024] if found else []
        elif text.strip().isdigit():
            yield int(text)
