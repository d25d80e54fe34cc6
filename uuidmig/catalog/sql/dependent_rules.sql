-- name: dependent_rules
-- purpose: rules on tables and views, without those that make a view
select
    w.oid::bigint as oid,
    w.rulename::text as name,
    array[n.nspname::text, c.relname::text] as relation,
    c.relkind::text as relation_kind,
    pg_get_userbyid(c.relowner)::text as owner,
    rtrim(pg_get_ruledef(w.oid), ';') as definition,
    w.ev_enabled::text as enabled,
    obj_description(w.oid, 'pg_rewrite') as comment
from pg_rewrite w
join pg_class c on c.oid = w.ev_class
join pg_namespace n on n.oid = c.relnamespace
where w.oid = any (%(rules)s::oid[])
order by n.nspname, c.relname, w.rulename
