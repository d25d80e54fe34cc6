-- name: dependents
-- purpose: views, materialized views, rules and routines that hold the oid of a target, one row each
-- `through`: the tables on which the object hangs by way of something that is dropped and created again.
with ours as (
    select oid, nspname from pg_namespace where obj_description(oid, 'pg_namespace') = 'uuidmig'
),
target (table_oid, classid, objid, recreated) as (
    select *
    from unnest(
        %(target_tables)s::oid[],
        %(target_classes)s::oid[],
        %(target_objects)s::oid[],
        %(target_recreated)s::boolean[]
    )
),
found as (
    select
        t.table_oid,
        d.classid,
        d.objid,
        case
            when p.oid is not null then 'routine'
            when w.ev_type <> '1' then 'rule'
            when c.relkind = 'm' then 'materialized view'
            else 'view'
        end as kind,
        -- a view is known by its relation, not by its _RETURN rule
        case when w.ev_type = '1' then c.oid else d.objid end as object,
        t.recreated or (p.oid is not null and t.classid = 'pg_type'::regclass) as through,
        -- the row type of a materialized view stands for the view
        case when t.recreated then coalesce(y.typrelid, t.objid) end as need
    from target t
    join pg_depend d on d.refclassid = t.classid and d.refobjid = t.objid
    left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
    left join pg_class c on c.oid = w.ev_class
    left join pg_proc p on
        d.classid = 'pg_proc'::regclass and p.oid = d.objid and p.prokind in ('f', 'p')
    left join pg_type holder_type on
        t.classid = 'pg_type'::regclass and holder_type.oid = t.objid
    left join pg_type y on
        t.classid = 'pg_type'::regclass
        and y.typrelid <> 0
        and y.oid = case when holder_type.typelem <> 0 then holder_type.typelem else t.objid end
    where
        (w.oid is not null or p.oid is not null)
        -- a temporary view of another session cannot be created again in it
        and c.relpersistence is distinct from 't'
        and coalesce(c.relnamespace, p.pronamespace) not in (select oid from ours)
        and coalesce(c.relkind in ('v', 'm') or w.ev_type <> '1', true)
)
select
    f.kind,
    f.object::bigint as object,
    f.classid::bigint as classid,
    f.objid::bigint as objid,
    array_agg(distinct f.table_oid::bigint) as tables,
    coalesce(array_agg(distinct f.table_oid::bigint) filter (where f.through), '{}') as through,
    coalesce(
        array_agg(distinct f.need::bigint) filter (where f.need <> f.object), '{}'
    ) as needs
from found f
group by f.kind, f.object, f.classid, f.objid
-- the _RETURN rule of a materialized view that is a target depends on its view
having bool_or(f.need is distinct from f.object)
order by f.kind, f.object
