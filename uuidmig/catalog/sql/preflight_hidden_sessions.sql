-- name: preflight_hidden_sessions
-- purpose: sessions in this database whose age and state are hidden from us and that hold a snapshot or an xid
select count(*) as sessions
from pg_stat_activity a
where
    a.datname = current_database()
    and a.backend_start is null
    and a.usesysid is not null
    and (a.backend_xmin is not null or a.backend_xid is not null)
