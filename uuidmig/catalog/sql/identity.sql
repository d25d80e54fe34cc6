-- Which database this is, of which run of which server, and who asks: equal on two connections if
-- and only if both are to the same place.
SELECT d.oid::text || ' ' || extract(epoch FROM pg_postmaster_start_time())::text,
       current_database()::text,
       current_user::text
FROM pg_database AS d
WHERE d.datname = current_database()
