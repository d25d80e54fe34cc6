"""The partitions of a live table and of its retired one must be the same for a rollback.

Rows of a partition that came after the cutover would have no place in the retired table, and the
partition itself would go away with the new table.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import Plan

_GUARD = sql.SQL("""  DECLARE
    changes text;
  BEGIN
    WITH partition AS (
      SELECT side, p.level, c.relname,
             concat_ws(' of ', pg_get_expr(c.relpartbound, c.oid), above.relname) AS bound
      FROM (VALUES (1, to_regclass({live})), (2, to_regclass({retired}))) AS root (side, relation)
      CROSS JOIN pg_partition_tree(root.relation) p
      JOIN pg_class c ON c.oid = p.relid
      LEFT JOIN pg_class above ON above.oid = p.parentrelid
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


def require_same_partitions(plan: Plan) -> sql.Composed:
    """Return the part of a function that fails when partitions came or went."""
    return sql.SQL("").join(
        [
            _GUARD.format(
                live=sql.Literal(table.name.identifier.as_string(None)),
                retired=sql.Literal(table.retired.identifier.as_string(None)),
                name=sql.Literal(str(table.name)),
            )
            for table in plan.tables
            if table.table.kind == "p"
        ]
    )
