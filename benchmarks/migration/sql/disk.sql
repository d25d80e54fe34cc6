-- Bytes of a database on disk and of the temporary files of all sessions; WAL is counted elsewhere.
SELECT
    pg_database_size(%s)
    + coalesce((SELECT sum(size) FROM pg_ls_tmpdir()), 0)::bigint
