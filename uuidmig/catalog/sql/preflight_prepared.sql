-- name: preflight_prepared
-- purpose: prepared transactions that hold a lock on one of the tables
-- They have no pid in pg_locks; the lock on its own xid shows which virtual transaction one is.
select
    p.gid,
    extract(epoch from clock_timestamp() - p.prepared)::float8 as seconds,
    p.owner::text as owner,
    array_agg(distinct array[n.nspname, c.relname]::text[]) as relations
from pg_prepared_xacts p
join pg_locks own on own.pid is null and own.transactionid = p.transaction
join pg_locks l on l.pid is null and l.virtualtransaction = own.virtualtransaction
join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
where
    p.database = current_database()
    and l.database = (select oid from pg_database where datname = current_database())
    and c.oid = any (%(tables)s::oid[])
group by p.gid, p.prepared, p.owner
order by p.prepared, p.gid
