-- name: preflight_slots
-- purpose: replication slots, what decodes this database, and how much WAL each holds back
select
    s.slot_name::text as name,
    s.active,
    case when s.database = current_database() then s.plugin::text end as plugin,
    coalesce(s.wal_status, '') as wal_status,
    pg_wal_lsn_diff(
        case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
        s.restart_lsn
    )::bigint as retained_bytes
from pg_replication_slots s
where not s.temporary
order by s.slot_name
