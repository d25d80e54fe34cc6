-- All settings that differ from the built-in ones, and those that matter here if they do not.
SELECT name, current_setting(name)
FROM pg_settings
WHERE category NOT LIKE 'File Locations%'
    AND name NOT IN (
        'unix_socket_directories', 'listen_addresses', 'application_name', 'client_encoding',
        'transaction_deferrable', 'transaction_isolation', 'transaction_read_only', 'archive_command'
    )
    AND (
        source <> 'default'
        OR name IN (
            'server_version', 'autovacuum', 'checkpoint_timeout', 'checkpoint_completion_target',
            'effective_io_concurrency', 'fsync', 'full_page_writes', 'io_method',
            'maintenance_work_mem', 'max_parallel_maintenance_workers', 'max_parallel_workers',
            'max_parallel_workers_per_gather', 'max_wal_size', 'max_worker_processes',
            'shared_buffers', 'synchronous_commit', 'wal_buffers', 'wal_compression', 'wal_level',
            'work_mem'
        )
    )
ORDER BY name
