-- name: unsupported_parts
-- purpose: constraints, triggers and indexes of a table in a form we cannot carry over
-- Columns of pg_constraint that came with 18 are read through to_jsonb, which knows them by name.
with trait as (
    select
        k.oid,
        k.conrelid,
        k.confrelid,
        k.contype,
        k.convalidated,
        coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) as enforced,
        coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) as temporal
    from pg_constraint k
    where k.conrelid = any (%(tables)s::oid[]) or k.confrelid = any (%(tables)s::oid[])
),
part (table_oid, kind, classid, objid, reason) as (
    select
        side.table_oid,
        case k.contype when 'f' then 'foreign key' else 'temporal key' end,
        'pg_constraint'::regclass,
        k.oid,
        case when k.temporal then 'is temporal' else 'is not enforced' end
    from trait k
    cross join lateral (select k.conrelid union select k.confrelid) as side (table_oid)
    where k.contype in ('f', 'p', 'u') and (k.temporal or not k.enforced)
    union all
    select t.tgrelid, 'trigger', 'pg_trigger'::regclass, t.oid, 'watches a table (FROM) on which you have no TRIGGER privilege'
    from pg_trigger t
    where
        not t.tgisinternal
        and t.tgconstrrelid <> 0
        and not has_table_privilege(t.tgconstrrelid, 'TRIGGER')
    union all
    select t.tgrelid, 'foreign key', 'pg_constraint'::regclass, t.tgconstraint, 'its triggers are not in their normal state'
    from pg_trigger t
    where t.tgisinternal and t.tgconstraint <> 0 and t.tgenabled <> 'O'
    union all
    -- kept by the server for a partition, but the user changed this one alone
    select t.tgrelid, 'trigger', 'pg_trigger'::regclass, t.oid, 'is in another state on a partition than on its parent'
    from pg_trigger t
    join pg_trigger above on above.oid = t.tgparentid
    where not t.tgisinternal and t.tgenabled <> above.tgenabled
    union all
    select
        side.table_oid,
        'partition',
        'pg_constraint'::regclass,
        k.oid,
        case when side.table_oid = k.conrelid then 'the foreign key is of one partition alone'
        else 'the foreign key references one partition alone' end
    from pg_constraint k
    cross join lateral (select k.conrelid union select k.confrelid) as side (table_oid)
    join pg_class c on c.oid = side.table_oid and c.relispartition
    where k.contype = 'f' and k.conparentid = 0
    union all
    select owned.table_oid, 'extension', d.classid, d.objid, 'belongs to or depends on an extension'
    from pg_depend d
    join (
        select indrelid, 'pg_class'::regclass, indexrelid from pg_index
        union all
        select tgrelid, 'pg_trigger'::regclass, oid from pg_trigger where not tgisinternal
    ) as owned (table_oid, classid, objid) using (classid, objid)
    where d.refclassid = 'pg_extension'::regclass and d.deptype in ('e', 'x')
)
select distinct
    p.table_oid,
    p.kind,
    concat_ws(' ', shown.type, shown.identity) as name,
    p.reason
from part p
cross join lateral pg_identify_object(p.classid, p.objid, 0) as shown
where p.table_oid = any (%(tables)s::oid[])
order by 1, 2, 3
