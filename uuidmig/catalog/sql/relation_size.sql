-- name: relation_size
-- purpose: bytes and pages of a table now, and rows estimated as the server's planner does (NULL: never analyzed)
-- A partitioned table has the size of its partitions.
select
    sum(pg_relation_size(c.oid))::bigint as bytes,
    (sum(pg_relation_size(c.oid)) / current_setting('block_size')::bigint)::bigint as pages,
    sum(
        case
            when c.reltuples >= 0 and c.relpages > 0 then
                c.reltuples::float8 / c.relpages
                * (pg_relation_size(c.oid) / current_setting('block_size')::bigint)
        end
    ) as rows
from pg_class c
where
    c.oid = %(relation)s::regclass
    or (c.relkind = 'r' and c.oid in (select t.relid from pg_partition_tree(%(relation)s::regclass) t))
