-- name: bench_settings
-- purpose: the settings that figures of inserts depend on, as the server shows them.
select
    s.name,
    current_setting(s.name) as value
from pg_settings as s
where
    s.name in (
        'server_version',
        'shared_buffers',
        'effective_cache_size',
        'max_wal_size',
        'checkpoint_timeout',
        'synchronous_commit',
        'fsync',
        'full_page_writes',
        'wal_compression',
        'wal_level',
        'wal_buffers',
        'io_method'
    )
order by s.name
