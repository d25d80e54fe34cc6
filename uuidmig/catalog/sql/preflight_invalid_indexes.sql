-- name: preflight_invalid_indexes
-- purpose: indexes of the tables that are not valid, e.g. after a failed CREATE INDEX CONCURRENTLY
select
    array[n.nspname, t.relname]::text[] as relation,
    c.relname::text as name
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = t.relnamespace
where
    i.indrelid = any (%(tables)s::oid[])
    and not (i.indisvalid and i.indisready and i.indislive)
order by n.nspname, t.relname, c.relname
