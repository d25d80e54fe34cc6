-- name: preflight_vacuums
-- purpose: autovacuums to prevent wraparound on the tables: they do not give way to DDL
-- Their query text is hidden from ordinary roles. What shows: a session without a user (an autovacuum
-- worker) holds SHARE UPDATE EXCLUSIVE on a table whose age is beyond the limit.
select distinct
    array[n.nspname, c.relname]::text[] as relation,
    l.pid
from pg_locks l
join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
join pg_stat_activity a on a.pid = l.pid and a.usesysid is null
cross join lateral (
    select
        min(case when o.option_name = 'autovacuum_freeze_max_age' then o.option_value::bigint end)
            as freeze,
        min(case when o.option_name = 'autovacuum_multixact_freeze_max_age'
            then o.option_value::bigint end) as multixact
    from pg_options_to_table(c.reloptions) as o
) as own
where
    l.database = (select oid from pg_database where datname = current_database())
    and l.mode = 'ShareUpdateExclusiveLock'
    and c.oid = any (%(tables)s::oid[])
    and (
        age(c.relfrozenxid)
        > least(own.freeze, current_setting('autovacuum_freeze_max_age')::bigint)
        or mxid_age(c.relminmxid)
        > least(own.multixact, current_setting('autovacuum_multixact_freeze_max_age')::bigint)
    )
order by 1, 2
