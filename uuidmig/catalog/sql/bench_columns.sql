-- name: bench_columns
-- purpose: mean width, share of NULL and number of distinct values of a table's columns, as ANALYZE found them.
select
    s.attname::text as name,
    s.avg_width as width,
    s.null_frac::float8 as null_share,
    s.n_distinct::float8 as distinct_values
from pg_stats as s
where
    s.schemaname = %(schema)s
    and s.tablename = %(table)s
    and s.inherited = %(inherited)s
