-- name: security_labels
-- purpose: the security labels of relations, their columns and row types (-1), and of routines
select
    c.oid,
    l.objsubid as number,
    l.provider,
    l.label
from pg_class c
join pg_seclabel l on l.classoid = 'pg_class'::regclass and l.objoid = c.oid
where c.oid = any (%(relations)s::oid[])
union all
select c.oid, -1, l.provider, l.label
from pg_class c
join pg_seclabel l on l.classoid = 'pg_type'::regclass and l.objoid = c.reltype
where c.oid = any (%(relations)s::oid[])
union all
select p.oid, 0, l.provider, l.label
from pg_proc p
join pg_seclabel l on l.classoid = 'pg_proc'::regclass and l.objoid = p.oid
where p.oid = any (%(routines)s::oid[])
order by 1, 2, 3
