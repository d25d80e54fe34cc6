-- name: relation_size
-- purpose: bytes and pages of a table now, and rows estimated as the server's planner does (NULL: never analyzed)
select
    pg_relation_size(c.oid) as bytes,
    pg_relation_size(c.oid) / current_setting('block_size')::bigint as pages,
    case
        when c.reltuples >= 0 and c.relpages > 0 then
            c.reltuples::float8 / c.relpages
            * (pg_relation_size(c.oid) / current_setting('block_size')::bigint)
    end as rows
from pg_class c
where c.oid = %(relation)s::regclass
