"""Partitions that come, go or are attached again before the cutover: which, and what to do.

The new tables are made with the partitions of prepare. And a partition that was detached has lost
its capture trigger: what was written to it until it was attached again is in no log. That shows by
the trigger, which the server creates anew.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import Plan
from uuidmig.steps import names
from uuidmig.steps.listed_partitions import moved_keys
from uuidmig.steps.model import Statement

# The settings are those of the fingerprint: bounds are texts.
_PRESENT = sql.SQL("""CREATE FUNCTION uuidmig.present_partitions() RETURNS
TABLE (root text, relation oid, name text, parent text, bound text, capture oid)
LANGUAGE sql STABLE SET search_path = pg_catalog SET quote_all_identifiers = off
SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $uuidmig$
SELECT t.source::regclass::text, c.oid, c.oid::regclass::text, p.parentrelid::regclass::text,
       pg_get_expr(c.relpartbound, c.oid), g.oid
FROM uuidmig.closure_table t CROSS JOIN pg_partition_tree(t.source) p
JOIN pg_class c ON c.oid = p.relid
LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = {capture}
WHERE p.level > 0
$uuidmig$""")

_RECORD = sql.SQL(
    "CREATE TABLE uuidmig.partition AS SELECT * FROM uuidmig.present_partitions() AS p"
)

_CHANGED = sql.SQL("""CREATE FUNCTION uuidmig.changed_partitions() RETURNS
TABLE (change text, remedy text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $uuidmig$
SELECT CASE
    WHEN old.relation IS NULL THEN format('partition %s of %s was added', now.name, now.root)
    WHEN now.relation IS NOT NULL AND old.capture IS DISTINCT FROM now.capture
    THEN format('partition %s of %s was detached and attached again', now.name, now.root)
    WHEN now.relation IS NOT NULL
    THEN format('partition %s of %s is another now: %s %s', old.name, old.root, now.name, now.bound)
    WHEN EXISTS (SELECT FROM pg_class c WHERE c.oid = old.relation)
    THEN format('partition %s of %s was detached', old.name, old.root)
    ELSE format('partition %s of %s was dropped', old.name, old.root)
  END,
  CASE WHEN old.relation IS NULL
    THEN format('If %s is empty: DROP TABLE %s, then uuidmig migrate again (or verify, then '
                'cutover), and create it after finish. Else run', now.name, now.name)
    ELSE 'Run'
  END || ' uuidmig abort, then migrate again: the new tables get the partitions there are then.'
FROM uuidmig.partition old
FULL JOIN uuidmig.present_partitions() now ON now.relation = old.relation
WHERE ROW(old.name, old.parent, old.bound, old.capture)
  IS DISTINCT FROM ROW(now.name, now.parent, now.bound, now.capture){moved}
ORDER BY 1
$uuidmig$""")

_REQUIRE = sql.SQL("""DO $uuidmig$
DECLARE
  changes text;
  remedies text;
BEGIN
  SELECT string_agg(change, '; '), string_agg(DISTINCT remedy, ' ') INTO changes, remedies
  FROM uuidmig.changed_partitions();
  IF changes IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = 'uuidmig: the schema of the tables changed since prepare: ' || changes,
      HINT = remedies;
  END IF;
END
$uuidmig$""")


def _has_partitions(plan: Plan) -> bool:
    return any(table.table.kind == "p" for table in plan.tables)


def record_partitions(plan: Plan) -> tuple[Statement, ...]:
    """Return what notes the partitions of the closure, with their capture triggers in place."""
    if not _has_partitions(plan):
        return ()
    present = _PRESENT.format(capture=sql.Literal(names.CAPTURE))
    changed = _CHANGED.format(moved=moved_keys(plan))
    return (Statement(present), Statement(_RECORD), Statement(changed))


def require_partitions(plan: Plan) -> tuple[Statement, ...]:
    """Return the statement that fails when partitions are others than at prepare, and names them.

    To run with the closure locked, before the fingerprint, which only knows that something changed.
    """
    return (Statement(_REQUIRE),) if _has_partitions(plan) else ()
