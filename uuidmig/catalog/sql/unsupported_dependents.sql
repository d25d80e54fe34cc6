-- name: unsupported_dependents
-- purpose: everything that hangs on a table, its row type or its sequences and is of no kind we carry over
-- Walks pg_depend whatever the kind of the dependent, so a kind nobody thought of is refused, not lost.
-- Goes on from what is dropped and created again (recreated_...), passes over what is carried along (known_...).
with ours as (
    select oid, nspname from pg_namespace where obj_description(oid, 'pg_namespace') = 'uuidmig'
),
target (table_oid, classid, objid, of_sequence, recreated) as (
    select c.oid, 'pg_class'::regclass, c.oid, false, false
    from pg_class c
    where c.oid = any (%(tables)s::oid[])
    union all
    select c.oid, 'pg_type'::regclass, row_type.oid, false, false
    from pg_class c
    join pg_type t on t.oid = c.reltype
    cross join lateral (values (t.oid), (t.typarray)) as row_type (oid)
    where c.oid = any (%(tables)s::oid[])
    union all
    select d.refobjid, 'pg_class'::regclass, d.objid, true, false
    from pg_depend d
    join pg_class c on c.oid = d.objid and c.relkind = 'S'
    where
        d.classid = 'pg_class'::regclass
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid = any (%(tables)s::oid[])
        and d.deptype in ('a', 'i')
    union all
    select r.table_oid, r.classid, r.objid, false, true
    from unnest(
        %(recreated_tables)s::oid[], %(recreated_classes)s::oid[], %(recreated_objects)s::oid[]
    ) as r (table_oid, classid, objid)
),
known (classid, objid) as (
    select * from unnest(%(known_classes)s::oid[], %(known_objects)s::oid[])
),
dependent as (
    select distinct
        t.table_oid,
        t.of_sequence,
        t.recreated,
        t.objid as target,
        d.classid,
        d.objid,
        d.objsubid,
        -- the relation the dependent is part of; NULL for functions, types and the like
        case d.classid
            when 'pg_class'::regclass then d.objid
            when 'pg_attrdef'::regclass then (select adrelid from pg_attrdef where oid = d.objid)
            when 'pg_constraint'::regclass
                then (select nullif(conrelid, 0) from pg_constraint where oid = d.objid)
            when 'pg_trigger'::regclass then (select tgrelid from pg_trigger where oid = d.objid)
            when 'pg_rewrite'::regclass then (select ev_class from pg_rewrite where oid = d.objid)
            when 'pg_statistic_ext'::regclass
                then (select stxrelid from pg_statistic_ext where oid = d.objid)
        end as holder
    from target t
    join pg_depend d on d.refclassid = t.classid and d.refobjid = t.objid
    where
        -- read by publication_members
        d.classid <> 'pg_publication_rel'::regclass
        -- read by policies; one that calls what is dropped and created again cannot be kept
        and (d.classid <> 'pg_policy'::regclass or t.recreated)
        and (t.of_sequence or (d.classid, d.objid) not in (select classid, objid from known))
        -- the row type and its array type
        and not exists (
            select from target own
            where
                own.table_oid = t.table_oid and own.classid = d.classid and own.objid = d.objid
        )
),
foreign_object as (
    select
        d.*,
        -- a view is known by its name, not by its _RETURN rule or its columns
        coalesce(
            c.relkind in ('v', 'm') and d.classid <> 'pg_statistic_ext'::regclass, false
        ) as of_view
    from dependent d
    left join pg_class c on c.oid = d.holder
    where
        coalesce(c.relnamespace not in (select oid from ours), true)
        and not (
            -- a partitioned table and its partitions are one
            coalesce(pg_partition_root(d.holder), d.holder)
                is not distinct from coalesce(pg_partition_root(d.table_oid), d.table_oid)
            and not d.recreated
            and d.classid <> 'pg_rewrite'::regclass
        )
        and not (
            d.classid = 'pg_class'::regclass
            and d.objsubid = 0
            and (
                c.relkind = 't'
                or exists (
                    select from pg_index i
                    where
                        i.indexrelid = d.objid
                        and i.indrelid in (d.table_oid, d.target)
                        and (i.indrelid = d.target or not d.recreated)
                )
                -- reported by unsupported_tables
                or exists (
                    select from pg_inherits h
                    where h.inhrelid = d.objid and h.inhparent = d.table_oid
                )
            )
        )
        and not exists (
            select from pg_constraint k
            where
                d.classid = 'pg_constraint'::regclass
                and k.oid = d.objid
                and k.contype = 'f'
                and k.conrelid = any (%(tables)s::oid[])
        )
        -- read by triggers; the plan refuses those that would not come along
        and not exists (
            select from pg_trigger g
            where
                d.classid = 'pg_trigger'::regclass
                and not d.recreated
                and g.oid = d.objid
                and g.tgconstrrelid = d.table_oid
                and g.tgrelid = any (%(tables)s::oid[])
        )
)
select distinct on (f.table_oid, kind, name)
    f.table_oid,
    case
        when f.of_sequence then 'shared sequence'
        when shown.type = 'table constraint' and k.contype <> 'f' then 'check'
        when shown.type = 'table constraint' then 'foreign key'
        when shown.type = 'type' and t.typtype = 'd' then 'domain'
        else shown.type
    end as kind,
    concat_ws(' ', shown.type, shown.identity) as name,
    case
        when f.of_sequence then 'uses a sequence that belongs to the table'
        when f.recreated then 'depends on something that must be created again with the table'
        when f.of_view then 'depends on the table or its row type'
        when shown.type = 'rule' then 'rewrites statements on the table'
        when shown.type = 'table constraint' then 'references the table from a schema left out'
        else 'depends on the table or its row type'
    end as reason
from foreign_object f
cross join lateral pg_identify_object(
    case when f.of_view then 'pg_class'::regclass else f.classid end,
    case when f.of_view then f.holder else f.objid end,
    case when f.of_view then 0 else f.objsubid end
) as shown
left join pg_constraint k on f.classid = 'pg_constraint'::regclass and k.oid = f.objid
left join pg_type t on f.classid = 'pg_type'::regclass and t.oid = f.objid
where
    shown.identity is not null
    and coalesce(shown.schema not in (select nspname::text from ours), true)
order by 1, 2, 3, f.recreated
