-- name: tables
-- purpose: ordinary and partitioned tables of the given schemas (none given: of all), system, temporary and our own schemas left out
-- Our own schemas carry the comment 'uuidmig': names alone could be a user's.
select
    c.oid,
    n.nspname::text as schema,
    c.relname::text as name,
    pg_get_userbyid(c.relowner)::text as owner,
    c.relkind::text as kind,
    c.relpersistence::text as persistence,
    coalesce(c.reloptions, '{}')
        || array(select 'toast.' || option from unnest(toast.reloptions) as option) as options,
    coalesce(am.amname::text, '') as access_method,
    s.spcname::text as tablespace,
    c.relreplident::text as replica_identity,
    obj_description(c.oid, 'pg_class') as comment,
    obj_description(c.reltype, 'pg_type') as row_type_comment,
    c.relrowsecurity as row_security,
    c.relforcerowsecurity as force_row_security,
    row_security_active(c.oid) as row_security_active,
    pg_get_partkeydef(c.oid) as partition_key,
    pg_get_expr(c.relpartbound, c.oid) as bound,
    (
        select array[above_schema.nspname, above.relname]::text[]
        from pg_inherits h
        join pg_class above on above.oid = h.inhparent
        join pg_namespace above_schema on above_schema.oid = above.relnamespace
        where h.inhrelid = c.oid and c.relispartition
    ) as parent,
    c.reltuples::float8 as rows,
    c.relpages as pages,
    coalesce(pg_table_size(c.oid) - coalesce(pg_total_relation_size(toast.oid), 0), 0) as heap_bytes,
    coalesce(pg_total_relation_size(toast.oid), 0) as toast_bytes,
    coalesce(pg_indexes_size(c.oid), 0) as index_bytes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
-- partitions are chosen with the table they are part of, wherever they lie
join pg_class top on top.oid = coalesce(pg_partition_root(c.oid), c.oid)
join pg_namespace top_schema on top_schema.oid = top.relnamespace
left join pg_class toast on toast.oid = c.reltoastrelid
left join pg_am am on am.oid = c.relam
left join pg_tablespace s on s.oid = c.reltablespace
where
    c.relkind in ('r', 'p')
    and c.relpersistence <> 't'
    and n.nspname <> 'information_schema'
    and not starts_with(n.nspname::text, 'pg_')
    and obj_description(n.oid, 'pg_namespace') is distinct from 'uuidmig'
    and (cardinality(%(schemas)s::text[]) = 0 or top_schema.nspname = any (%(schemas)s::text[]))
order by n.nspname, c.relname
