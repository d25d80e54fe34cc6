"""uuidmig.fingerprint(): a hash of all that must be the same at the cutover as at prepare."""

from __future__ import annotations

from psycopg import sql

# What a cutover relies on, as text. Of our own triggers, known by the schema of their function, it
# must be the same version: while one was disabled or gone, writes were in no log. Entries of
# pg_depend are those that would go on reading the retired table.
FINGERPRINT = sql.SQL("""CREATE FUNCTION uuidmig.fingerprint() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog SET quote_all_identifiers = off
SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $uuidmig$
WITH closure (source) AS (
  SELECT source FROM uuidmig.closure_table
  UNION SELECT p.relid FROM uuidmig.closure_table t, pg_partition_tree(t.source) p
)
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
  SELECT concat_ws('|', 'column', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod,
                   a.attnotnull, a.attidentity, a.attgenerated, a.attcollation, a.attacl,
                   a.attstattarget, a.attstorage, a.attcompression,
                   ARRAY(SELECT o FROM unnest(a.attoptions) AS o WHERE NOT starts_with(o, 'pg_')),
                   pg_get_expr(d.adbin, d.adrelid)) AS line
  FROM closure c JOIN pg_attribute a ON a.attrelid = c.source AND a.attnum > 0
       AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL
  SELECT concat_ws('|', 'partition', h.inhrelid, h.inhparent, h.inhdetachpending,
                   pg_get_partkeydef(r.oid), pg_get_expr(r.relpartbound, r.oid))
  FROM closure c JOIN pg_class r ON r.oid = c.source JOIN pg_inherits h ON h.inhrelid = r.oid
  UNION ALL
  SELECT concat_ws('|', 'constraint', n.conrelid, n.conname, pg_get_constraintdef(n.oid))
  FROM pg_constraint n WHERE n.contype <> 't'
       AND (n.conrelid IN (SELECT source FROM closure)
            OR n.confrelid IN (SELECT source FROM closure))
  UNION ALL
  SELECT concat_ws('|', 'index', i.indrelid, pg_get_indexdef(i.indexrelid), i.indisreplident,
                   i.indisclustered, x.reltablespace)
  FROM pg_index i JOIN closure c ON c.source = i.indrelid
  JOIN pg_class x ON x.oid = i.indexrelid
  UNION ALL
  SELECT concat_ws('|', 'trigger', t.tgrelid, pg_get_triggerdef(t.oid), t.tgenabled)
  FROM pg_trigger t
  JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace s ON s.oid = p.pronamespace
  WHERE NOT t.tgisinternal AND s.nspname <> 'uuidmig'
       -- also one of another table that names one of these by FROM: finish would drop it
       AND (t.tgrelid IN (SELECT source FROM closure)
            OR t.tgconstrrelid IN (SELECT source FROM closure))
  UNION ALL
  SELECT concat_ws('|', 'capture', t.oid, t.xmin, t.tgenabled)
  FROM pg_trigger t JOIN closure c ON c.source = t.tgrelid
  JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace s ON s.oid = p.pronamespace
  WHERE s.nspname = 'uuidmig'
  UNION ALL
  SELECT concat_ws('|', 'table', r.oid, r.relname, r.relnamespace, r.relowner, r.relpersistence,
                   r.relreplident, r.relrowsecurity, r.relforcerowsecurity, r.relispartition,
                   r.relhassubclass, r.relacl, r.reloptions, 'in', r.reltablespace,
                   t.typacl, obj_description(t.oid, 'pg_type'))
  FROM pg_class r JOIN closure c ON c.source = r.oid
  JOIN pg_type t ON t.oid = r.reltype
  UNION ALL
  SELECT concat_ws('|', 'statistics', x.stxrelid, pg_get_statisticsobjdef(x.oid), x.stxowner,
                   x.stxstattarget)
  FROM pg_statistic_ext x JOIN closure c ON c.source = x.stxrelid
  UNION ALL
  SELECT concat_ws('|', 'policy', p.polrelid, p.polname, p.polpermissive, p.polcmd, p.polroles,
                   pg_get_expr(p.polqual, p.polrelid), '/',
                   pg_get_expr(p.polwithcheck, p.polrelid), '/',
                   obj_description(p.oid, 'pg_policy'))
  FROM pg_policy p
  WHERE p.polrelid IN (SELECT source FROM closure)
     OR EXISTS (SELECT FROM pg_depend d JOIN closure c ON c.source = d.refobjid
                WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                  AND d.refclassid = 'pg_class'::regclass)
  UNION ALL
  SELECT concat_ws('|', 'comment', d.objoid, d.objsubid, d.description)
  FROM pg_description d JOIN closure c ON c.source = d.objoid
  WHERE d.classoid = 'pg_class'::regclass
  UNION ALL
  SELECT concat_ws('|', 'label', l.classoid, l.objoid, l.objsubid, l.provider, l.label)
  FROM pg_seclabel l
  WHERE l.classoid = 'pg_class'::regclass AND (
      l.objoid IN (SELECT source FROM closure)
      OR l.objoid IN (SELECT d.objid FROM pg_depend d JOIN closure c ON c.source = d.refobjid
                      WHERE d.deptype = 'i' AND d.classid = 'pg_class'::regclass
                        AND d.refclassid = 'pg_class'::regclass))
    OR l.classoid = 'pg_type'::regclass
      AND l.objoid IN (SELECT r.reltype FROM pg_class r JOIN closure c ON c.source = r.oid)
  UNION ALL
  SELECT concat_ws('|', 'dependent', d.refobjid, d.classid, d.objid, d.objsubid)
  FROM pg_depend d JOIN pg_class r ON d.refobjid IN (r.oid, r.reltype)
  JOIN closure c ON c.source = r.oid
  WHERE d.refclassid IN ('pg_class'::regclass, 'pg_type'::regclass)
    AND d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
                      'pg_publication_rel'::regclass)
  UNION ALL
  SELECT concat_ws('|', 'publication', r.oid, p.oid)
  FROM pg_class r JOIN closure c ON c.source = r.oid CROSS JOIN pg_publication p
  WHERE p.puballtables OR EXISTS (SELECT FROM pg_publication_namespace n
                                  WHERE n.pnpubid = p.oid AND n.pnnspid = r.relnamespace)
  UNION ALL
  SELECT concat_ws('|', 'subscription', s.srrelid, s.srsubid)
  FROM pg_subscription_rel s JOIN closure c ON c.source = s.srrelid
  UNION ALL
  SELECT line FROM uuidmig.dependent_lines() AS line
) AS lines
$uuidmig$""")
