-- name: bench_io_16
-- purpose: bytes that client sessions of the whole server read and wrote so far (PostgreSQL 16 and 17).
select
    sum(s.reads * s.op_bytes)::bigint as read_bytes,
    sum(s.writes * s.op_bytes)::bigint as write_bytes,
    sum(s.extends * s.op_bytes)::bigint as extend_bytes,
    sum(s.hits)::bigint as hits,
    sum(s.evictions)::bigint as evictions
from pg_stat_io as s
where s.backend_type = 'client backend' and s.object = 'relation'
