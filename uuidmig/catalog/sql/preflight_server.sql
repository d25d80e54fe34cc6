-- name: preflight_server
-- purpose: replica or not, and the data directory where we may know it and the connection is a Unix socket
select
    current_setting('server_version_num')::integer as version,
    pg_is_in_recovery() as in_recovery,
    case
        when inet_server_addr() is null
            and pg_has_role('pg_read_all_settings', 'USAGE')
        then current_setting('data_directory')
    end as data_directory
