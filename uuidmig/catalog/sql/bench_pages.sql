-- name: bench_pages
-- purpose: whether the extensions that look into index pages can be used, and which schema has their functions.
select
    p.proname as function_name,
    n.nspname as schema_name,
    has_schema_privilege(n.oid, 'USAGE')
        and has_function_privilege(p.oid, 'EXECUTE') as permitted
from pg_extension as e
join pg_depend as d
    on d.refclassid = 'pg_extension'::regclass
    and d.refobjid = e.oid
    and d.classid = 'pg_proc'::regclass
    and d.deptype = 'e'
join pg_proc as p on p.oid = d.objid
join pg_namespace as n on n.oid = p.pronamespace
where
    e.extname in ('pgstattuple', 'pageinspect')
    and (
        (p.proname = 'pgstatindex' and p.proargtypes[0] = 'regclass'::regtype)
        or (p.proname = 'bt_page_stats' and p.proargtypes[1] = 'bigint'::regtype)
    )
