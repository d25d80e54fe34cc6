-- name: pgstatindex
-- purpose: where the extension pgstattuple has put its function, and whether we may call it.
select
    n.nspname as schema_name,
    has_schema_privilege(n.oid, 'USAGE')
        and has_function_privilege(p.oid, 'EXECUTE') as permitted
from pg_extension as e
join pg_namespace as n on n.oid = e.extnamespace
join pg_proc as p
    on p.pronamespace = n.oid
    and p.proname = 'pgstatindex'
    and p.proargtypes[0] = 'regclass'::regtype
where e.extname = 'pgstattuple'
