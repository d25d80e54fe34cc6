-- name: settings
-- purpose: the settings that matter to a migration; times as a number of milliseconds, sizes with their unit
select
    name,
    case when unit = 'ms' then setting else current_setting(name) end as value
from pg_settings
where name in (
    'deadlock_timeout', 'lock_timeout', 'maintenance_work_mem', 'max_connections',
    'max_wal_size', 'max_worker_processes', 'server_encoding', 'session_replication_role',
    'shared_buffers', 'wal_level'
)
order by name
