-- name: grants
-- purpose: the privileges on tables, columns and owned sequences, one row a privilege, in the order of the ACL
-- No row: the default privileges (ACL NULL). A row without a grantor: the ACL is there and empty.
with object (oid, number, acl) as (
    select c.oid, 0, c.relacl
    from pg_class c
    where c.oid = any (%(tables)s::oid[])
    union all
    select a.attrelid, a.attnum, a.attacl
    from pg_attribute a
    where a.attrelid = any (%(tables)s::oid[]) and a.attnum > 0 and not a.attisdropped
    union all
    -- column number -1 is the row type
    select c.oid, -1, t.typacl
    from pg_class c
    join pg_type t on t.oid = c.reltype
    where c.oid = any (%(tables)s::oid[])
    union all
    select c.oid, 0, c.relacl
    from pg_class c
    where
        c.relkind = 'S'
        and exists (
            select from pg_depend d
            where
                d.classid = 'pg_class'::regclass
                and d.objid = c.oid
                and d.refclassid = 'pg_class'::regclass
                and d.refobjid = any (%(tables)s::oid[])
                and d.deptype in ('a', 'i')
        )
)
select
    o.oid,
    o.number,
    case when g.grantee = 0 then '' else pg_get_userbyid(g.grantee)::text end as grantee,
    pg_get_userbyid(g.grantor)::text as grantor,
    g.privilege_type as privilege,
    g.is_grantable as grantable
from object o
left join lateral aclexplode(o.acl) with ordinality
    as g (grantor, grantee, privilege_type, is_grantable, place) on true
where o.acl is not null
order by o.oid, o.number, g.place
