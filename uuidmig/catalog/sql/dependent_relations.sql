-- name: dependent_relations
-- purpose: views and materialized views, and why one cannot be handled
select
    c.oid::bigint as oid,
    c.relkind = 'm' as materialized,
    array[n.nspname::text, c.relname::text] as relation,
    shown.identity,
    pg_get_userbyid(c.relowner)::text as owner,
    rtrim(pg_get_viewdef(c.oid), ';') as definition,
    coalesce(c.reloptions, '{}')
        || array(select 'toast.' || option from unnest(toast.reloptions) as option) as options,
    coalesce(am.amname::text, '') as access_method,
    s.spcname::text as tablespace,
    obj_description(c.oid, 'pg_class') as comment,
    c.relispopulated as populated,
    case when c.relkind = 'm' then coalesce(pg_total_relation_size(c.oid), 0) else 0 end as bytes,
    case
        when exists (
            select from pg_depend d
            where
                d.classid = 'pg_class'::regclass
                and d.objid = c.oid
                and d.refclassid = 'pg_extension'::regclass
        ) then 'reads the table and belongs to an extension'
        when c.relkind = 'm' and c.relreplident <> 'd'
            then 'reads the table and has a replica identity'
        when c.relkind = 'm' and (
            t.typacl is not null
            or obj_description(t.oid, 'pg_type') is not null
            or exists (
                select from pg_seclabel l
                where l.classoid = 'pg_type'::regclass and l.objoid = t.oid
            )
        ) then 'reads the table, and its row type has privileges, a comment or a security label'
    end as problem
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = c.reltype
left join pg_class toast on toast.oid = c.reltoastrelid
left join pg_am am on am.oid = c.relam
left join pg_tablespace s on s.oid = c.reltablespace
cross join lateral pg_identify_object('pg_class'::regclass, c.oid, 0) as shown
where c.oid = any (%(relations)s::oid[])
order by n.nspname, c.relname
