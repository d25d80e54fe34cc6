-- name: foreign_keys
-- purpose: outgoing foreign keys as they were declared (the copies the server keeps for partitions left out)
select
    k.conrelid as table_oid,
    k.conname::text as name,
    array[child_schema.nspname, child.relname]::text[] as child,
    array(
        select a.attname::text
        from unnest(k.conkey) with ordinality as key (number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.number
        order by key.place
    ) as columns,
    array[parent_schema.nspname, parent.relname]::text[] as parent,
    array(
        select a.attname::text
        from unnest(k.confkey) with ordinality as key (number, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = key.number
        order by key.place
    ) as parent_columns,
    pg_get_constraintdef(k.oid) as definition,
    k.convalidated as validated,
    -- conenforced is there since 18
    coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) as enforced,
    k.confmatchtype::text as match,
    k.confupdtype::text as on_update,
    k.confdeltype::text as on_delete,
    k.condeferrable as deferrable,
    k.condeferred as deferred,
    obj_description(k.oid, 'pg_constraint') as comment
from pg_constraint k
join pg_class child on child.oid = k.conrelid
join pg_namespace child_schema on child_schema.oid = child.relnamespace
join pg_class parent on parent.oid = k.confrelid
join pg_namespace parent_schema on parent_schema.oid = parent.relnamespace
where k.contype = 'f' and k.conparentid = 0 and k.conrelid = any (%(tables)s::oid[])
order by k.conrelid, k.conname
