"""Is this server, this role and this Python fit for a migration? Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from platform import python_implementation, python_version
from typing import Any, LiteralString, cast

import psycopg
from psycopg import pq
from psycopg.rows import dict_row

from uuidmig import __version__
from uuidmig.runtime import gil_is_enabled

OLDEST, NEWEST = 15, 18
_TABLES_NAMED = 5

_GIVES = {
    "pgstattuple": "leaf density and fragmentation in `uuidmig inspect`",
    "amcheck": "bt_index_check(), to check indexes by hand",
    "pageinspect": "page-level figures; its functions are for superusers only",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. verdict: "ok", "note", "warning", "blocks"; `advice` when not ok."""

    name: str
    value: str
    verdict: str = "ok"
    advice: str = ""


def examine(dsn: str) -> tuple[Check, ...]:
    """Return all checks of server, role, extensions, settings and Python, in reading order.

    psycopg.OperationalError when the server does not answer. Does not write.
    """
    with (
        psycopg.connect(dsn, autocommit=True, fallback_application_name="uuidmig") as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        row = cursor.execute(_query()).fetchone()
        told_pid = connection.info.backend_pid
    if row is None:
        raise psycopg.InternalError("the server does not know its own current_user")
    return (*_server_checks(row, told_pid), *_role_checks(row), *_extras(row), *_python_checks())


def _query() -> LiteralString:
    """Return the query's text. The cast is safe: it ships with the package, no value gets in."""
    text = files(__package__).joinpath("doctor.sql").read_text(encoding="utf-8")
    return cast("LiteralString", text)  # type: ignore[redundant-cast]  # str to mypy


def _server_checks(row: Mapping[str, Any], told_pid: int) -> Iterator[Check]:
    yield _version(row)
    yield Check("database", row["database"])
    yield _replica(row)
    yield _pooler(row["backend_pid"], told_pid)
    yield _room(row)


def _version(row: Mapping[str, Any]) -> Check:
    major = row["version"] // 10000
    if major < OLDEST:
        advice = f"uuidmig needs PostgreSQL {OLDEST} or later: upgrade the server first"
        return Check("server", row["version_text"], "blocks", advice)
    if major > NEWEST:
        advice = f"uuidmig was tested up to PostgreSQL {NEWEST}: try it on a copy first"
        return Check("server", row["version_text"], "warning", advice)
    return Check("server", row["version_text"])


def _replica(row: Mapping[str, Any]) -> Check:
    if row["in_recovery"]:
        return Check("replica", "yes", "blocks", "connect to the primary, this takes no writes")
    if row["read_only"]:
        advice = "default_transaction_read_only is on: switch it off for this role or database"
        return Check("replica", "no, but read-only", "blocks", advice)
    return Check("replica", "no")


def _pooler(real_pid: int, told_pid: int) -> Check:
    # A pooler answers the start-up itself, with a process id of its own.
    if real_pid == told_pid:
        return Check("pooler", "none seen")
    advice = (
        "something stands between us and the server; in transaction mode session settings and "
        "advisory locks get lost: connect to the server itself"
    )
    return Check("pooler", "likely", "warning", advice)


def _room(row: Mapping[str, Any]) -> Check:
    used, most = row["connections"], int(row["settings"]["max_connections"][1])
    value = f"{used} of {most} in use"
    if most - used < 10:
        return Check("connections", value, "warning", "a migration needs 3 and one a worker")
    return Check("connections", value)


def _role_checks(row: Mapping[str, Any]) -> Iterator[Check]:
    kind = "superuser" if row["superuser"] else "no superuser (none is needed)"
    yield Check("role", f"{row['role']}, {kind}")
    if row["may_create_schemas"]:
        yield Check("may create schemas", "yes")
    else:
        advice = f"GRANT CREATE ON DATABASE {row['database']} TO {row['role']}"
        yield Check("may create schemas", "no", "blocks", advice)
    yield _ownership(row["foreign_tables"])


def _ownership(foreign: list[str]) -> Check:
    if not foreign:
        return Check("owns the tables", "all that have uuid columns")
    named = ", ".join(foreign[:_TABLES_NAMED]) + (", ..." if len(foreign) > _TABLES_NAMED else "")
    advice = "`uuidmig plan` refuses them: run it as their owner, or as a member of that role"
    return Check("owns the tables", f"not {len(foreign)}: {named}", "warning", advice)


def _extras(row: Mapping[str, Any]) -> Iterator[Check]:
    available = row["extensions"] or {}
    for name, gives in _GIVES.items():
        if available.get(name):
            yield Check(name, f"installed {available[name]}: {gives}")
        elif name in available:
            yield Check(name, "not installed", "note", f"CREATE EXTENSION {name} gives {gives}")
        else:
            yield Check(name, "not on this server", "note", f"it would give {gives}")
    for name, (shown, raw, _) in sorted(row["settings"].items()):
        yield _setting(name, shown, raw)


def _setting(name: str, shown: str, raw: str) -> Check:
    rule = _RULES.get(name)
    advice = rule(raw) if rule else ""
    return Check(name, shown, "warning" if advice else "ok", advice)


def _deadlock_timeout(raw: str) -> str:
    if int(raw) > 500:
        return ""
    return "below the usual 1s: use a --lock-timeout that stays well under it"


def _replication_role(raw: str) -> str:
    if raw == "origin":
        return ""
    return "triggers do not fire in sessions with this setting: their changes would be missed"


def _maintenance_memory(raw: str) -> str:
    return "" if int(raw) >= 65536 else "indexes are built with it: 256MB and more is faster"


def _durability(raw: str) -> str:
    return "" if raw == "on" else "a crash of the machine would lose the database"


def _vacuum(raw: str) -> str:
    return "" if raw == "on" else "the new tables would never be vacuumed nor analyzed"


_RULES: dict[str, Callable[[str], str]] = {
    "autovacuum": _vacuum,
    "deadlock_timeout": _deadlock_timeout,
    "fsync": _durability,
    "maintenance_work_mem": _maintenance_memory,
    "session_replication_role": _replication_role,
}


def _python_checks() -> Iterator[Check]:
    yield Check("uuidmig", __version__)
    lock = "with the GIL" if gil_is_enabled() else "free-threaded"
    yield Check("python", f"{python_version()} {python_implementation()}, {lock}")
    libpq = pq.version()
    yield Check(
        "psycopg",
        f"{psycopg.__version__}, implementation {pq.__impl__}, "
        f"libpq {libpq // 10000}.{libpq % 10000}",
    )
    yield Check("sqlalchemy", version("sqlalchemy"))
    yield Check("alembic", version("alembic"))
