-- name: unsupported_publications
-- purpose: publications that send a table and subscriptions that fill it
select
    c.oid as table_oid,
    'publication' as kind,
    'publication ' || quote_ident(p.pubname) as name,
    case when p.puballtables then 'publishes all tables' else 'publishes the table or its schema' end
        as reason
from pg_class c
cross join pg_publication p
where
    c.oid = any (%(tables)s::oid[])
    and (
        (p.puballtables and c.relpersistence = 'p')
        or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid)
        or exists (
            select from pg_publication_namespace s
            where s.pnpubid = p.oid and s.pnnspid = c.relnamespace and c.relpersistence = 'p'
        )
    )
union all
select
    r.srrelid,
    'subscription',
    'subscription ' || quote_ident(s.subname),
    'fills the table from another server'
from pg_subscription_rel r
join pg_subscription s on s.oid = r.srsubid
where r.srrelid = any (%(tables)s::oid[])
order by 1, 2, 3
