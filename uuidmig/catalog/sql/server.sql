-- name: server
-- purpose: where we are and as whom
select
    current_setting('server_version_num')::integer as version,
    current_database()::text as database,
    current_user::text as user,
    (select rolsuper from pg_roles where rolname = current_user) as superuser,
    pg_is_in_recovery() as in_recovery
