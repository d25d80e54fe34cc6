-- name: unsupported_subscriptions
-- purpose: subscriptions that fill a table: what they apply fires no trigger and brings old keys for ever
select
    r.srrelid as table_oid,
    'subscription' as kind,
    'subscription ' || quote_ident(s.subname) as name,
    'fills the table from another server' as reason
from pg_subscription_rel r
join pg_subscription s on s.oid = r.srsubid
where r.srrelid = any (%(tables)s::oid[])
order by 1, 2, 3
