-- name: identity
-- purpose: which database this is, of which run of which server, and who asks: equal on two connections only if both are to the same place
select
    d.oid::text || ' ' || extract(epoch from pg_postmaster_start_time())::text,
    current_database()::text,
    current_user::text
from pg_database as d
where d.datname = current_database()
