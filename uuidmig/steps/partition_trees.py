"""The partitions of a live table and of its retired one must be the same for a rollback.

Rows of a partition that came after the cutover would have no place in the retired table, and the
partition itself would go away with the new table.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.listed_partitions import listed_partitions
from uuidmig.planner.model import Plan

_GUARD = sql.SQL("""  DECLARE
    changes text;
  BEGIN
    WITH partition AS (
      SELECT side, p.level, c.relname,
             concat_ws(' of ', {bound}, above.relname) AS bound
      FROM (VALUES (1, to_regclass({live})), (2, to_regclass({retired}))) AS root (side, relation)
      CROSS JOIN pg_partition_tree(root.relation) p
      JOIN pg_class c ON c.oid = p.relid
      LEFT JOIN pg_class above ON above.oid = p.parentrelid{joins}
    )
    SELECT string_agg(what || relname || ' ' || bound, '; ' ORDER BY what, relname) INTO changes
    FROM (
      (SELECT 'new: ' AS what, level, relname, bound FROM partition WHERE side = 1
       EXCEPT SELECT 'new: ', level, relname, bound FROM partition WHERE side = 2)
      UNION ALL
      (SELECT 'gone: ', level, relname, bound FROM partition WHERE side = 2
       EXCEPT SELECT 'gone: ', level, relname, bound FROM partition WHERE side = 1)
    ) AS different;
    IF changes IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'object_in_use',
        MESSAGE = 'uuidmig: the partitions of ' || {name} || ' changed since the cutover: '
          || changes,
        HINT = 'Nothing was switched. ALTER TABLE ... DETACH PARTITION those that are new and '
          'ATTACH PARTITION those that are gone, with these bounds, then run uuidmig rollback '
          'again. Rows of what you detach are to be brought into the old tables afterwards; what '
          'was written to a partition while it was detached comes along. Or keep the new keys: '
          'uuidmig finish does not mind.';
    END IF;
  END;
""")


_BOUND = sql.SQL("pg_get_expr(c.relpartbound, c.oid)")
# A partition for listed keys has other bounds than before, but is the same one.
_OLD_BOUND = sql.SQL("coalesce(listed.old_bound, {})").format(_BOUND)
_LISTED = sql.SQL("""
      LEFT JOIN uuidmig.listed_partition listed
        ON listed.shadow = c.oid AND listed.new_bound = {}""").format(_BOUND)


def require_same_partitions(plan: Plan) -> sql.Composed:
    """Return the part of a function that fails when partitions came or went."""
    listed = any(listed_partitions(plan))
    return sql.SQL("").join(
        [
            _GUARD.format(
                bound=_OLD_BOUND if listed else _BOUND,
                joins=_LISTED if listed else sql.SQL(""),
                live=sql.Literal(table.name.identifier.as_string(None)),
                retired=sql.Literal(table.retired.identifier.as_string(None)),
                name=sql.Literal(str(table.name)),
            )
            for table in plan.tables
            if table.table.kind == "p"
        ]
    )
