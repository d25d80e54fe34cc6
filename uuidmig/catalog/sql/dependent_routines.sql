-- name: dependent_routines
-- purpose: functions and procedures, and why one cannot be handled
select
    p.oid::bigint as oid,
    shown.type as kind,
    shown.identity,
    n.nspname::text as schema,
    pg_get_userbyid(p.proowner)::text as owner,
    pg_get_functiondef(p.oid) as definition,
    obj_description(p.oid, 'pg_proc') as comment,
    case
        when exists (
            select from pg_depend d
            where
                d.classid = 'pg_proc'::regclass
                and d.objid = p.oid
                and d.refclassid = 'pg_extension'::regclass
        ) then 'depends on the table or its row type, and on an extension'
        when p.proleakproof or p.prosupport <> 0 or not l.lanpltrusted
            then 'depends on the table or its row type, and only a superuser could create it again'
    end as problem
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
cross join lateral pg_identify_object('pg_proc'::regclass, p.oid, 0) as shown
where p.oid = any (%(routines)s::oid[])
order by shown.identity
