-- name: indexes
-- purpose: indexes, also invalid ones, with the constraint behind which they stand
select
    i.indrelid as table_oid,
    c.relname::text as name,
    pg_get_indexdef(i.indexrelid) as definition,
    am.amname::text as method,
    i.indisunique as unique,
    i.indisprimary as primary,
    i.indisvalid and i.indisready and i.indislive as valid,
    i.indimmediate as immediate,
    k.conname::text as constraint,
    k.contype::text as constraint_type,
    pg_get_constraintdef(k.oid) as constraint_definition,
    -- indkey counts from 0 and holds 0 for an expression
    array(
        select a.attname::text
        from generate_series(0, i.indnkeyatts - 1) as place
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[place]
        order by place
    ) as columns,
    array(
        select a.attname::text
        from generate_series(i.indnkeyatts, i.indnatts - 1) as place
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[place]
        order by place
    ) as included,
    i.indpred is not null as partial,
    i.indisclustered as clustered,
    i.indisreplident as replica_identity,
    coalesce(k.condeferrable, false) as deferrable,
    coalesce(k.condeferred, false) as deferred,
    array(
        select array[a.attnum::integer, a.attstattarget::integer]
        from pg_attribute a
        where a.attrelid = i.indexrelid and a.attstattarget >= 0
        order by a.attnum
    ) as statistics_targets,
    obj_description(i.indexrelid, 'pg_class') as comment,
    obj_description(k.oid, 'pg_constraint') as constraint_comment,
    s.spcname::text as tablespace,
    (
        select above.relname::text
        from pg_inherits h
        join pg_class above on above.oid = h.inhparent
        where h.inhrelid = i.indexrelid
    ) as parent,
    coalesce(pg_relation_size(i.indexrelid), 0) as bytes
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_am am on am.oid = c.relam
left join pg_tablespace s on s.oid = c.reltablespace
left join pg_constraint k
    on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x')
where i.indrelid = any (%(tables)s::oid[])
order by i.indrelid, c.relname
