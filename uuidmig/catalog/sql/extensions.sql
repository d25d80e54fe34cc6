-- name: extensions
-- purpose: installed extensions and the schema their objects live in
select e.extname::text as name, n.nspname::text as schema
from pg_extension e
join pg_namespace n on n.oid = e.extnamespace
order by e.extname
