"""Settings of the session that hold for a few statements of a transaction, and are put back.

The old values are kept in settings of our own, `uuidmig.saved_<name>`: the statements may be run by
psql or Alembic, which know of no variable.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql


def save_settings(values: Mapping[str, str]) -> sql.Composed:
    """Return the statement that keeps the present values, then sets these till COMMIT."""
    calls = [
        sql.SQL("set_config({}, current_setting({}), true)").format(_saved(name), sql.Literal(name))
        for name in values
    ]
    calls += [
        sql.SQL("set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
        for name, value in values.items()
    ]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))


def restore_settings(names: Mapping[str, str]) -> sql.Composed:
    """Return the statement that puts back what `save_settings` kept."""
    calls = [
        sql.SQL("set_config({}, current_setting({}), true)").format(sql.Literal(name), _saved(name))
        for name in names
    ]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))


def _saved(name: str) -> sql.Literal:
    return sql.Literal(f"uuidmig.saved_{name}")
