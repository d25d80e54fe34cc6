-- name: publications
-- purpose: publications, and the tables that subscribers get from each
select
    p.pubname::text as name,
    pg_get_userbyid(p.pubowner)::text as owner,
    p.puballtables as all_tables,
    array_remove(array[
        case when p.pubinsert then 'insert' end,
        case when p.pubupdate then 'update' end,
        case when p.pubdelete then 'delete' end,
        case when p.pubtruncate then 'truncate' end
    ], null) as publish,
    p.pubviaroot as via_root,
    -- before 18 there is no such column
    coalesce(to_jsonb(p) ->> 'pubgencols', 'n') = 's' as generated_columns,
    array(
        select array[t.schemaname::text, t.tablename::text]
        from pg_publication_tables t
        where t.pubname = p.pubname
        order by t.schemaname, t.tablename
    ) as sent
from pg_publication p
order by p.pubname
