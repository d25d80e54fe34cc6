-- name: publication_members
-- purpose: the tables that publications name, and which columns their row filters read
-- A variable of number 0 is the whole row.
select
    p.pubname::text as publication,
    array[n.nspname::text, c.relname::text] as relation,
    pg_get_expr(r.prqual, r.prrelid) as row_filter,
    array(
        select distinct a.attname::text
        from regexp_matches(r.prqual::text, ':varattno (\d+)', 'g') as used (number)
        join pg_attribute a
            on a.attrelid = r.prrelid
            and a.attnum > 0
            and not a.attisdropped
            and used.number[1]::int in (0, a.attnum)
        order by 1
    ) as filter_columns
from pg_publication_rel r
join pg_publication p on p.oid = r.prpubid
join pg_class c on c.oid = r.prrelid
join pg_namespace n on n.oid = c.relnamespace
order by p.pubname, n.nspname, c.relname
