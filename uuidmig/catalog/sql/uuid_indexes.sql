-- name: uuid_indexes
-- purpose: B-tree indexes with a uuid column (or a domain over uuid) among their key columns,
-- with the first such column. `schemas` and `names`, in parallel, choose tables; both null: all.
select
    n.nspname as schema_name,
    t.relname as table_name,
    i.relname as index_name,
    i.oid::bigint as index_oid,
    x.indisvalid as valid,
    pg_relation_size(i.oid) as bytes,
    k.attname as column_name,
    has_schema_privilege(n.oid, 'USAGE')
        and has_column_privilege(t.oid, k.attnum, 'SELECT')
        -- of some rows only it would be a wrong count
        and not row_security_active(t.oid) as readable
from pg_index as x
join pg_class as i on i.oid = x.indexrelid and i.relkind = 'i'
join pg_am as m on m.oid = i.relam and m.amname = 'btree'
join pg_class as t on t.oid = x.indrelid
join pg_namespace as n on n.oid = t.relnamespace
cross join lateral (
    select a.attname, a.attnum
    from unnest(x.indkey::int2[])
        with ordinality as part (attnum, position)
    join pg_attribute as a on a.attrelid = t.oid and a.attnum = part.attnum
    join pg_type as y on y.oid = a.atttypid
    where part.position <= x.indnkeyatts
        and 'uuid'::regtype in (y.oid, y.typbasetype)
    order by part.position
    limit 1
) as k
where t.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'uuidmig')
    and (
        %(schemas)s::text[] is null
        or (n.nspname, t.relname) in (
            select chosen.s, chosen.t
            from unnest(%(schemas)s::text[], %(names)s::text[])
                as chosen (s, t)
        )
    )
order by n.nspname, t.relname, not x.indisprimary, i.relname
