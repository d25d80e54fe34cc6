-- name: publications
-- purpose: publications, and the tables that subscribers get from each
select
    p.pubname::text as name,
    pg_get_userbyid(p.pubowner)::text as owner,
    p.puballtables as all_tables,
    array(
        select array[t.schemaname::text, t.tablename::text]
        from pg_publication_tables t
        where t.pubname = p.pubname
        order by t.schemaname, t.tablename
    ) as sent
from pg_publication p
order by p.pubname
