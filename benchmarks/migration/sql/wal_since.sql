-- Bytes of WAL since a position of wal_position.sql.
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s::pg_lsn)::bigint
