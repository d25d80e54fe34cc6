-- name: dependent_columns
-- purpose: the columns of views and materialized views, with what CREATE does not bring
select
    a.attrelid::bigint as table_oid,
    a.attname::text as name,
    a.attnum::integer as number,
    format_type(a.atttypid, a.atttypmod) as type,
    case when k.oid is not null then array[n.nspname::text, k.collname::text] end as collation,
    case when a.attstattarget >= 0 then a.attstattarget::integer end as statistics_target,
    case when a.attstorage <> t.typstorage then a.attstorage::text end as storage,
    nullif(a.attcompression::text, '') as compression,
    -- pg_attver (newer minor releases) is the server's own, on every column; it takes no other
    array(select o from unnest(a.attoptions) as o where not starts_with(o, 'pg_')) as options,
    col_description(a.attrelid, a.attnum) as comment
from pg_attribute a
join pg_type t on t.oid = a.atttypid
left join pg_collation k on k.oid = a.attcollation
left join pg_namespace n on n.oid = k.collnamespace
where a.attrelid = any (%(relations)s::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
