-- name: checks
-- purpose: CHECK constraints of tables, and NOT NULL ones that are not validated
-- The other NOT NULL constraints, in pg_constraint since 18, are part of their columns.
select
    k.conrelid as table_oid,
    k.conname::text as name,
    pg_get_constraintdef(k.oid) as definition,
    array(
        select a.attname::text
        from unnest(k.conkey) with ordinality as key (number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.number
        order by key.place
    ) as columns,
    k.convalidated as validated,
    not k.conislocal as inherited,
    obj_description(k.oid, 'pg_constraint') as comment
from pg_constraint k
where (k.contype = 'c' or (k.contype = 'n' and not k.convalidated)) and k.conrelid = any (%(tables)s::oid[])
order by k.conrelid, k.conname
