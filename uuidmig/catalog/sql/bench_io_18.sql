-- name: bench_io_18
-- purpose: bytes that client sessions of the whole server read and wrote so far (from PostgreSQL 18 on).
select
    sum(s.read_bytes)::bigint as read_bytes,
    sum(s.write_bytes)::bigint as write_bytes,
    sum(s.extend_bytes)::bigint as extend_bytes,
    sum(s.hits)::bigint as hits,
    sum(s.evictions)::bigint as evictions
from pg_stat_io as s
where s.backend_type = 'client backend' and s.object = 'relation'
