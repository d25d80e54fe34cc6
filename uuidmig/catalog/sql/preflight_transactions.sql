-- name: preflight_transactions
-- purpose: transactions older than the given seconds in this database, oldest first
-- Of sessions of roles we are no member of, the server hides when they started.
select
    a.pid,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds,
    coalesce(a.usename::text, '') as user,
    coalesce(a.application_name, '') as application,
    coalesce(a.state, '') as state
from pg_stat_activity a
where
    a.datname = current_database()
    and a.pid <> pg_backend_pid()
    and a.backend_type = 'client backend'
    and a.xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)
order by a.xact_start, a.pid
