"""The partitions of a live table and of its retired one must be the same for a rollback.

Rows of a partition that came after the cutover would have no place in the retired table, and the
partition itself would go away with the new table.
"""

from __future__ import annotations

from psycopg import sql

from uuidmig.planner.model import Plan

_GUARD = sql.SQL("""  IF EXISTS (
    WITH partition AS (
      SELECT side, p.level, c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
      FROM (VALUES (1, to_regclass({live})), (2, to_regclass({retired}))) AS root (side, relation)
      CROSS JOIN pg_partition_tree(root.relation) p
      JOIN pg_class c ON c.oid = p.relid
    )
    (SELECT level, relname, bound FROM partition WHERE side = 1
     EXCEPT SELECT level, relname, bound FROM partition WHERE side = 2)
    UNION ALL
    (SELECT level, relname, bound FROM partition WHERE side = 2
     EXCEPT SELECT level, relname, bound FROM partition WHERE side = 1)
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'object_in_use',
      MESSAGE = 'uuidmig: the partitions of ' || {name} || ' changed since the cutover',
      HINT = 'Nothing was switched. Detach new partitions and attach detached ones again, then '
        'run uuidmig rollback again; rows of what was detached are to be inserted afterwards.';
  END IF;
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
