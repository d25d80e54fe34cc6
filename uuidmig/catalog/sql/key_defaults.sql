-- name: key_defaults
-- purpose: the named columns and the same columns of partitions and children, each with its own default; parents first
with recursive chosen (oid, key_column, depth) as (
    select c.oid, named.key_column, 0
    from unnest(%(schemas)s::text[], %(tables)s::text[], %(columns)s::text[])
        as named (table_schema, table_name, key_column)
    join pg_namespace n on n.nspname = named.table_schema
    join pg_class c on c.relnamespace = n.oid and c.relname = named.table_name
    union
    select h.inhrelid, parent.key_column, parent.depth + 1
    from chosen parent
    join pg_inherits h on h.inhparent = parent.oid
)
select
    n.nspname::text as table_schema,
    c.relname::text as table_name,
    a.attname::text as key_column,
    c.relkind::text as kind,
    (
        select array[pn.nspname::text, p.relname::text]
        from pg_inherits h
        join pg_class p on p.oid = h.inhparent
        join pg_namespace pn on pn.oid = p.relnamespace
        where h.inhrelid = c.oid
        order by h.inhseqno
        limit 1
    ) as parent,
    pg_get_expr(d.adbin, d.adrelid) as default,
    pg_get_expr(t.typdefaultbin, 'pg_type'::regclass) as domain_default
from (select oid, key_column, max(depth) as depth from chosen group by oid, key_column) as found
join pg_class c on c.oid = found.oid
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attname = found.key_column and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum and a.attgenerated = ''
where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
order by found.depth, n.nspname, c.relname, a.attname
