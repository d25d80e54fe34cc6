"""The part of the fingerprint that looks at views, rules and routines, as far as they are carried.

The walk is that of the catalog query `dependent_targets`. Contents are left out, and whether a
materialized view is filled: both may change until the cutover. So are grants and comments of views,
which stay where they are.
"""

from __future__ import annotations

from psycopg import sql

DEPENDENT_LINES = sql.SQL("""CREATE FUNCTION uuidmig.dependent_lines() RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog SET quote_all_identifiers = off
SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $uuidmig$
WITH RECURSIVE closure (source) AS (
  SELECT source FROM uuidmig.closure_table
  UNION SELECT p.relid FROM uuidmig.closure_table t, pg_partition_tree(t.source) p
), target (table_oid, classid, objid) AS (
  SELECT r.oid, own.classid, own.objid
  FROM closure c JOIN pg_class r ON r.oid = c.source
  JOIN pg_type t ON t.oid = r.reltype
  CROSS JOIN LATERAL (VALUES ('pg_class'::regclass::oid, r.oid),
    ('pg_type'::regclass::oid, t.oid), ('pg_type'::regclass::oid, t.typarray))
    AS own (classid, objid)
  UNION
  SELECT t.table_oid, made.classid, made.objid
  FROM target t JOIN pg_depend d ON d.refclassid = t.classid AND d.refobjid = t.objid
  LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  LEFT JOIN pg_class m ON m.oid = w.ev_class AND m.relkind = 'm'
  LEFT JOIN pg_type y ON y.oid = m.reltype
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
    AND NOT (t.classid = 'pg_class'::regclass AND t.objid = t.table_oid)
  CROSS JOIN LATERAL (VALUES ('pg_class'::regclass::oid, m.oid),
    ('pg_type'::regclass::oid, y.oid), ('pg_type'::regclass::oid, y.typarray),
    ('pg_proc'::regclass::oid, p.oid)) AS made (classid, objid)
  WHERE made.objid IS NOT NULL
    AND coalesce(m.relnamespace, p.pronamespace) <> 'uuidmig'::regnamespace
), dependent AS (
  SELECT DISTINCT d.classid, d.objid
  FROM target t JOIN pg_depend d ON d.refclassid = t.classid AND d.refobjid = t.objid
  WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
), relation AS (
  SELECT DISTINCT c.*
  FROM dependent d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  JOIN pg_class c ON c.oid = w.ev_class
  WHERE w.ev_type = '1' AND c.relnamespace <> 'uuidmig'::regnamespace
)
SELECT concat_ws('|', 'view', oid, relnamespace, relname, relkind, relowner, reloptions,
                 pg_get_viewdef(oid))
FROM relation
UNION ALL
SELECT concat_ws('|', 'materialized view', oid, relam, reltablespace, relacl,
                 obj_description(oid, 'pg_class'))
FROM relation WHERE relkind = 'm'
UNION ALL
SELECT concat_ws('|', 'materialized column', a.attrelid, a.attnum, a.attname, a.attacl,
                 a.attstattarget, a.attstorage, a.attcompression,
                 ARRAY(SELECT o FROM unnest(a.attoptions) AS o WHERE NOT starts_with(o, 'pg_')),
                 col_description(a.attrelid, a.attnum))
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 WHERE r.relkind = 'm'
UNION ALL
SELECT concat_ws('|', 'materialized index', i.indrelid, pg_get_indexdef(i.indexrelid),
                 i.indisclustered, obj_description(i.indexrelid, 'pg_class'))
FROM relation r JOIN pg_index i ON i.indrelid = r.oid
UNION ALL
SELECT concat_ws('|', 'label', l.classoid, l.objoid, l.objsubid, l.provider, l.label)
FROM pg_seclabel l
WHERE l.classoid = 'pg_class'::regclass
    AND l.objoid IN (SELECT oid FROM relation WHERE relkind = 'm')
  OR l.classoid = 'pg_proc'::regclass
    AND (l.classoid, l.objoid) IN (SELECT classid, objid FROM dependent)
UNION ALL
SELECT concat_ws('|', 'rule', w.oid, w.ev_enabled, pg_get_ruledef(w.oid),
                 obj_description(w.oid, 'pg_rewrite'))
FROM dependent d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
WHERE w.ev_type <> '1'
UNION ALL
SELECT concat_ws('|', 'routine', p.oid, p.proowner, p.proacl, pg_get_functiondef(p.oid),
                 obj_description(p.oid, 'pg_proc'))
FROM dependent d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE p.prokind IN ('f', 'p') AND p.pronamespace <> 'uuidmig'::regnamespace
$uuidmig$""")
