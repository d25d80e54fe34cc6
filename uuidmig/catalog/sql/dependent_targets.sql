-- name: dependent_targets
-- purpose: the tables and their row types, and what must be dropped and created again for any of them
-- A view or a parsed function body is bound anew in place. What holds the row type in its signature, stores rows,
-- or hangs on such an object cannot be: it has dependents of its own, so the walk goes on from there.
with recursive ours as (
    select oid, nspname from pg_namespace where obj_description(oid, 'pg_namespace') = 'uuidmig'
),
target (table_oid, classid, objid, recreated) as (
    select c.oid, own.classid, own.objid, false
    from pg_class c
    join pg_type t on t.oid = c.reltype
    cross join lateral (
        values
            ('pg_class'::regclass::oid, c.oid),
            ('pg_type'::regclass::oid, t.oid),
            ('pg_type'::regclass::oid, t.typarray)
    ) as own (classid, objid)
    where c.oid = any (%(tables)s::oid[])
    union
    select t.table_oid, made.classid, made.objid, true
    from target t
    join pg_depend d on d.refclassid = t.classid and d.refobjid = t.objid
    left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
    left join pg_class m on m.oid = w.ev_class and m.relkind = 'm'
    left join pg_type y on y.oid = m.reltype
    left join pg_proc p on
        d.classid = 'pg_proc'::regclass
        and p.oid = d.objid
        and p.prokind in ('f', 'p')
        -- a parsed body that only reads the table is replaced
        and not (t.classid = 'pg_class'::regclass and t.objid = t.table_oid)
    cross join lateral (
        values
            ('pg_class'::regclass::oid, m.oid),
            ('pg_type'::regclass::oid, y.oid),
            ('pg_type'::regclass::oid, y.typarray),
            ('pg_proc'::regclass::oid, p.oid)
    ) as made (classid, objid)
    where
        made.objid is not null
        and coalesce(m.relnamespace, p.pronamespace) not in (select oid from ours)
)
select
    table_oid::bigint as table_oid,
    classid::bigint as classid,
    objid::bigint as objid,
    recreated
from target
order by table_oid, recreated, classid, objid
