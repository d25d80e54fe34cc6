-- Up to where WAL was written by anybody, flushed or not.
SELECT pg_current_wal_insert_lsn()::text
