-- name: columns
-- purpose: live columns in column order
select
    a.attrelid as table_oid,
    a.atttypid as type_oid,
    a.attname::text as name,
    a.attnum as number,
    format_type(a.atttypid, a.atttypmod) as type,
    t.typtype::text as type_kind,
    -- since 18 it may hold for new rows only
    a.attnotnull and not exists (
        select from pg_constraint k
        where
            k.conrelid = a.attrelid
            and k.contype = 'n'
            and k.conkey = array[a.attnum]
            and not k.convalidated
    ) as not_null,
    case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end as default,
    pg_get_expr(t.typdefaultbin, 'pg_type'::regclass) as domain_default,
    a.attgenerated::text as generated,
    case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end as generation_expression,
    a.attidentity::text as identity,
    -- the default is NULL since 17, -1 before
    nullif(a.attstattarget::integer, -1) as statistics_target,
    -- pg_attver (newer minor releases) is the server's own, on every column; it takes no other
    array(select o from unnest(a.attoptions) as o where not starts_with(o, 'pg_')) as options,
    col_description(a.attrelid, a.attnum) as comment
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = any (%(tables)s::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
