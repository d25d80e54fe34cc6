-- name: bench_production
-- purpose: what tells a database that somebody works with from one to measure on.
select
    (
        select count(*)
        from pg_stat_activity as a
        where
            a.datname = current_database()
            and a.backend_type = 'client backend'
            and a.pid <> pg_backend_pid()
    ) as sessions,
    (select count(*) from pg_replication_slots) as slots,
    (select count(*) from pg_stat_replication) as standbys,
    (select count(*) from pg_publication) as publications,
    (
        select count(*)
        from pg_subscription
        where subdbid = (select d.oid from pg_database as d where d.datname = current_database())
    ) as subscriptions,
    current_setting('archive_mode') <> 'off' as archives,
    pg_database_size(current_database()) as bytes
