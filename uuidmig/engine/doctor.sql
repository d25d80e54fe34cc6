-- name: doctor
-- purpose: what decides whether a migration can work here; one row, readable for every role
select
    current_setting('server_version_num')::integer as version,
    current_setting('server_version') as version_text,
    current_database()::text as database,
    current_user::text as role,
    role.rolsuper as superuser,
    role.rolbypassrls as bypasses_row_security,
    has_database_privilege(current_database(), 'CREATE') as may_create_schemas,
    pg_is_in_recovery() as in_recovery,
    current_setting('default_transaction_read_only')::boolean as read_only,
    pg_backend_pid() as backend_pid,
    (select count(*) from pg_stat_activity where backend_type = 'client backend')::integer
        as connections,
    array(
        select format('%I.%I', space.nspname, class.relname)
        from pg_class as class
        inner join pg_namespace as space on class.relnamespace = space.oid
        where class.relkind in ('r', 'p')
            and class.relpersistence <> 't'
            and space.nspname !~ '^(pg_|information_schema$|uuidmig)'
            and not pg_has_role(class.relowner, 'USAGE')
            and exists (
                select from pg_attribute as attribute
                where attribute.attrelid = class.oid
                    and attribute.atttypid = 'uuid'::regtype
                    and not attribute.attisdropped
            )
        order by 1
    ) as foreign_tables,
    (
        select json_object_agg(available.name, available.installed_version)
        from pg_available_extensions as available
        where available.name in ('pgstattuple', 'amcheck', 'pageinspect')
    ) as extensions,
    (
        select json_object_agg(setting.name, json_build_array(current_setting(setting.name),
            setting.setting, setting.unit))
        from pg_settings as setting
        where setting.name in (
            'autovacuum', 'checkpoint_timeout', 'deadlock_timeout', 'fsync',
            'idle_in_transaction_session_timeout', 'maintenance_work_mem', 'max_connections',
            'max_parallel_maintenance_workers', 'max_wal_size', 'session_replication_role',
            'statement_timeout', 'transaction_timeout', 'wal_level'
        )
    ) as settings
from pg_roles as role
where role.rolname = current_user
