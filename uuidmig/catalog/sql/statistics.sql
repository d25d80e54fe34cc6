-- name: statistics
-- purpose: extended statistics
select
    s.stxrelid as table_oid,
    array[n.nspname, s.stxname]::text[] as relation,
    pg_get_statisticsobjdef(s.oid) as definition,
    pg_get_userbyid(s.stxowner)::text as owner,
    -- the default is NULL since 17, -1 before
    nullif(s.stxstattarget::integer, -1) as target,
    obj_description(s.oid, 'pg_statistic_ext') as comment
from pg_statistic_ext s
join pg_namespace n on n.oid = s.stxnamespace
where s.stxrelid = any (%(tables)s::oid[])
order by s.stxrelid, n.nspname, s.stxname
