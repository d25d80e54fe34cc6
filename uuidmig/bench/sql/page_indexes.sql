-- name: page_indexes
-- purpose: the primary key's index of one table, or the biggest of its partitions', if it begins
-- with a uuid column, with its name quoted as pageinspect reads it
select
    i.relname as index_name,
    format('%%I.%%I', n.nspname, i.relname) as quoted,
    pg_relation_size(i.oid) / current_setting('block_size')::bigint as pages
from pg_index as x
join pg_class as i on i.oid = x.indexrelid and i.relkind = 'i'
join pg_am as m on m.oid = i.relam and m.amname = 'btree'
join pg_namespace as n on n.oid = i.relnamespace
join pg_attribute as a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
join pg_type as y on y.oid = a.atttypid
where x.indisvalid
    and x.indisprimary
    and 'uuid'::regtype in (y.oid, y.typbasetype)
    and (
        x.indrelid = %(relation)s::regclass
        or x.indrelid in (select t.relid from pg_partition_tree(%(relation)s::regclass) as t)
    )
order by pg_relation_size(i.oid) desc, i.relname
limit 4
