"""Materialized views are filled in the swap, under its locks, so that no reader finds one empty.

Everybody waits for their queries: together they have a second, then the swap gives up and nothing
was changed. One that was emptied by REFRESH … WITH NO DATA stays empty: that is the way out for
those that take longer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from psycopg import sql

from uuidmig.catalog.dependents_model import MaterializedView
from uuidmig.planner.dependents import LARGE_BYTES
from uuidmig.planner.model import Plan
from uuidmig.planner.row_security import restricted_views
from uuidmig.steps.model import Statement
from uuidmig.steps.settings import restore_settings, save_settings

_ELAPSED = sql.SQL(
    "1000 * date_part('epoch', clock_timestamp()"
    " - current_setting('uuidmig.filling_since')::timestamptz)"
)
_LIMIT = sql.SQL(
    "coalesce(nullif(current_setting('uuidmig.fill_limit', true), ''), '1000')::double precision"
)

_WAY_OUT = sql.SQL(
    "'REFRESH MATERIALIZED VIEW ' || {view} || ' WITH NO DATA, do this again, then REFRESH it.'"
)

_NOT_LARGE = sql.SQL("""DO $uuidmig$
DECLARE
  large text;
BEGIN
  SELECT c.oid::regclass::text INTO large FROM pg_class c
  WHERE c.oid = ANY (ARRAY[{views}]::regclass[]) AND c.relispopulated
    AND pg_total_relation_size(c.oid) > {bytes};
  IF large IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'UM002',
      MESSAGE = 'uuidmig: materialized view ' || large || ' is too large to be filled while'
                || ' everybody waits',
      HINT = {way_out};
  END IF;
END
$uuidmig$""")

_NOT_RESTRICTED = sql.SQL("""DO $uuidmig$
DECLARE
  filled text;
BEGIN
  SELECT c.oid::regclass::text INTO filled FROM pg_class c
  WHERE c.oid = ANY (ARRAY[{views}]::regclass[]) AND c.relispopulated;
  IF filled IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'UM002',
      MESSAGE = 'uuidmig: what materialized view ' || filled || ' holds may depend on the session'
                || ' that fills it: row security is forced',
      HINT = {way_out};
  END IF;
END
$uuidmig$""")

_SINCE = sql.SQL("SELECT set_config('uuidmig.filling_since', clock_timestamp()::text, true)")
# Policies apply to the owner of the view, as in any REFRESH; off, as in our sessions, is an error.
_SETTINGS = {"row_security": "on", "statement_timeout": "0"}
# A statement of its own: the time-out counts from the start of the one after it.
_TIME_OUT = sql.SQL(
    "SELECT set_config('statement_timeout', greatest(1, {limit} - {elapsed})::bigint::text, true)"
)
_FILL = sql.SQL("""DO $uuidmig$
BEGIN
  IF current_setting({setting})::boolean THEN
    REFRESH MATERIALIZED VIEW {view};
  END IF;
EXCEPTION WHEN query_canceled THEN
  IF {elapsed} < {limit} THEN
    RAISE; -- somebody cancelled it
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'UM002',
    MESSAGE = 'uuidmig: filling materialized view ' || {name} || ' took longer than '
              || {limit} || ' ms while everybody waits',
    HINT = {way_out};
END
$uuidmig$""")


def require_fillable(plan: Plan) -> tuple[Statement, ...]:
    """Return the statements that fail, before any lock, when one cannot be filled under the locks:
    it is too large, or not to be filled by us."""
    views, restricted = plan.dependents.materialized_views, restricted_views(plan)
    checks: list[sql.Composable] = []
    if views:
        way_out = _WAY_OUT.format(view=sql.SQL("large"))
        checks.append(
            _NOT_LARGE.format(views=_listed(views), bytes=sql.Literal(LARGE_BYTES), way_out=way_out)
        )
    if restricted:
        way_out = _WAY_OUT.format(view=sql.SQL("filled"))
        checks.append(_NOT_RESTRICTED.format(views=_listed(restricted), way_out=way_out))
    return tuple(Statement(check) for check in checks)


def _listed(views: Sequence[MaterializedView]) -> sql.Composed:
    return sql.SQL(", ").join(
        [
            sql.SQL("to_regclass({})").format(sql.Literal(view.relation.identifier.as_string(None)))
            for view in views
        ]
    )


def remember_filled(views: Sequence[MaterializedView]) -> list[sql.Composable]:
    """Return the statements that note which are filled at this moment, before they are dropped."""
    return [
        sql.SQL(
            "SELECT set_config({}, relispopulated::text, true) FROM pg_class"
            " WHERE oid = {}::regclass"
        ).format(_setting(view), sql.Literal(view.relation.identifier.as_string(None)))
        for view in views
    ]


def fill(views: Sequence[MaterializedView]) -> list[sql.Composable]:
    """Return the statements that fill those that were filled, in this order, in limited time."""
    if not views:
        return []
    time_out = _TIME_OUT.format(limit=_LIMIT, elapsed=_ELAPSED)
    parts: list[sql.Composable] = [_SINCE, save_settings(_SETTINGS)]
    for view in views:
        parts += [time_out, _filling(view)]
    return [*parts, restore_settings(_SETTINGS)]


def _filling(view: MaterializedView) -> sql.Composed:
    name = sql.Literal(view.relation.identifier.as_string(None))
    return _FILL.format(
        setting=_setting(view),
        view=view.relation.identifier,
        name=name,
        elapsed=_ELAPSED,
        limit=_LIMIT,
        way_out=_WAY_OUT.format(view=name),
    )


def _setting(view: MaterializedView) -> sql.Literal:
    """A setting's name must be made of plain identifiers, so the view's own is hashed."""
    digest = hashlib.md5(str(view.relation).encode(), usedforsecurity=False).hexdigest()
    return sql.Literal(f"uuidmig.filled_{digest}")
