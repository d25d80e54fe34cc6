-- name: sequences
-- purpose: sequences a column owns, those its own default uses first, then oldest first
select
    d.refobjid as table_oid,
    d.refobjsubid as number,
    c.oid as sequence_oid,
    array[n.nspname, c.relname]::text[] as relation,
    case d.deptype when 'i' then 'identity' else 'serial' end as kind,
    format_type(s.seqtypid, null) as data_type,
    s.seqstart as start,
    s.seqincrement as increment,
    s.seqmin as minimum,
    s.seqmax as maximum,
    s.seqcache as cache,
    s.seqcycle as cycle,
    pg_get_userbyid(c.relowner)::text as owner,
    obj_description(c.oid, 'pg_class') as comment,
    c.relpersistence::text as persistence
from pg_depend d
join pg_class c on c.oid = d.objid and c.relkind = 'S'
join pg_namespace n on n.oid = c.relnamespace
join pg_sequence s on s.seqrelid = c.oid
where
    d.classid = 'pg_class'::regclass
    and d.refclassid = 'pg_class'::regclass
    and d.refobjid = any (%(tables)s::oid[])
    and d.refobjsubid > 0
    and d.deptype in ('a', 'i')
order by
    d.refobjid,
    d.refobjsubid,
    d.deptype = 'i' desc,
    exists (
        select from pg_attrdef f
        join pg_depend u on u.classid = 'pg_attrdef'::regclass and u.objid = f.oid
        where
            f.adrelid = d.refobjid
            and f.adnum = d.refobjsubid
            and u.refclassid = 'pg_class'::regclass
            and u.refobjid = c.oid
    ) desc,
    c.oid
