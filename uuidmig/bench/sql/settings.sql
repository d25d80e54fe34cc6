-- name: settings
-- purpose: what the figures of a measurement depend on; no names of hosts, users or files
select
    name,
    current_setting(name) as value
from pg_settings
where name in (
    'autovacuum', 'block_size', 'checkpoint_timeout', 'data_checksums', 'effective_cache_size',
    'fsync', 'full_page_writes', 'maintenance_work_mem', 'max_wal_size', 'shared_buffers',
    'synchronous_commit', 'wal_compression', 'wal_level', 'work_mem'
)
order by name
