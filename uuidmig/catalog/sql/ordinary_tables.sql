-- name: ordinary_tables
-- purpose: oid and name of every table that holds rows of its own, partitions included, without the server's own.
select
    c.oid::bigint as oid,
    array[n.nspname, c.relname]::text[] as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where
    c.relkind = 'r'
    and c.relpersistence <> 't'
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
order by n.nspname, c.relname
