-- name: bench_counters
-- purpose: what a turn of the insert benchmark is measured by: WAL, and blocks and sizes of one table.
-- pg_stat_wal and the block counters lag until the sessions that counted have ended.
select
    (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint as wal_bytes,
    (select w.wal_fpi::bigint from pg_stat_wal as w) as full_page_images,
    i.idx_blks_read::bigint as index_blocks_read,
    i.idx_blks_hit::bigint as index_blocks_hit,
    pg_relation_size(i.indexrelid) as index_bytes,
    pg_indexes_size(i.relid) as all_index_bytes,
    pg_table_size(i.relid) as table_bytes
from pg_statio_all_indexes as i
where i.indexrelid = %(index)s::regclass
