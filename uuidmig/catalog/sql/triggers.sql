-- name: triggers
-- purpose: user triggers, our own and the copies that partitions have of their parent's left out
select
    t.tgrelid as table_oid,
    t.tgname::text as name,
    pg_get_triggerdef(t.oid) as definition,
    t.tgenabled::text as enabled,
    t.tgconstraint <> 0 as constraint,
    obj_description(t.oid, 'pg_trigger') as comment,
    case when w.oid is not null then array[wn.nspname::text, w.relname::text] end as watches
from pg_trigger t
join pg_proc f on f.oid = t.tgfoid
join pg_namespace n on n.oid = f.pronamespace
left join pg_class w on w.oid = t.tgconstrrelid
left join pg_namespace wn on wn.oid = w.relnamespace
where
    t.tgrelid = any (%(tables)s::oid[])
    and not t.tgisinternal
    and t.tgparentid = 0
    and not (
        n.nspname = 'uuidmig'
        and t.tgname in (
            'uuidmig_capture', 'uuidmig_capture_truncate', 'uuidmig_back_capture',
            'uuidmig_back_capture_truncate', 'uuidmig_grace'
        )
    )
order by t.tgrelid, t.tgname
