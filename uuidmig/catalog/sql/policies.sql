-- name: policies
-- purpose: row security policies of tables, with the tables that their expressions read
-- An expression is bound to the oid of a table, of its row type or of a sequence it owns.
with part_of_table (table_oid, classid, objid) as (
    select c.oid, 'pg_class'::regclass, c.oid
    from pg_class c
    where c.oid = any (%(tables)s::oid[])
    union all
    select c.oid, 'pg_type'::regclass, row_type.oid
    from pg_class c
    join pg_type t on t.oid = c.reltype
    cross join lateral (values (t.oid), (t.typarray)) as row_type (oid)
    where c.oid = any (%(tables)s::oid[])
    union all
    select d.refobjid, 'pg_class'::regclass, d.objid
    from pg_depend d
    join pg_class s on s.oid = d.objid and s.relkind = 'S'
    where
        d.classid = 'pg_class'::regclass
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid = any (%(tables)s::oid[])
        and d.deptype in ('a', 'i')
)
select
    p.polrelid as table_oid,
    array[n.nspname, c.relname]::text[] as relation,
    p.polname::text as name,
    p.polpermissive as permissive,
    p.polcmd::text as command,
    array(
        select case when member.oid = 0 then '' else pg_get_userbyid(member.oid)::text end
        from unnest(p.polroles) with ordinality as member (oid, place)
        order by member.place
    ) as roles,
    pg_get_expr(p.polqual, p.polrelid) as using,
    pg_get_expr(p.polwithcheck, p.polrelid) as check,
    obj_description(p.oid, 'pg_policy') as comment,
    pg_has_role(c.relowner, 'USAGE') as alterable,
    array(
        select distinct array[rn.nspname, r.relname]::text[]
        from pg_depend d
        join part_of_table part on part.classid = d.refclassid and part.objid = d.refobjid
        join pg_class r on r.oid = part.table_oid
        join pg_namespace rn on rn.oid = r.relnamespace
        where
            d.classid = 'pg_policy'::regclass
            and d.objid = p.oid
            and part.table_oid <> p.polrelid
        order by 1
    ) as reads
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where p.polrelid = any (%(tables)s::oid[])
order by p.polrelid, p.polname
