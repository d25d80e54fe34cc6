-- name: preflight_rights
-- purpose: rights that the migration needs and the current role does not have
-- USAGE: the owner's rights come by themselves. SET (MEMBER before 16): objects may be given to the owner.
with owner (oid, table_oid, relation) as (
    select c.relowner, c.oid, concat_ws(' ', shown.type, shown.identity)
    from pg_class c
    cross join lateral pg_identify_object('pg_class'::regclass, c.oid, 0) as shown
    where c.oid = any (%(tables)s::oid[])
)
select privilege as privilege, 'database ' || quote_ident(current_database()) as object
from unnest(array['CREATE', 'TEMPORARY']) as privilege
where not has_database_privilege(current_database(), privilege)
union all
select 'CREATE', 'schema ' || quote_ident(n.nspname)
from pg_namespace n
where
    n.oid in (select c.relnamespace from pg_class c where c.oid = any (%(tables)s::oid[]))
    and not has_schema_privilege(n.oid, 'CREATE')
union all
select distinct 'CREATE', 'tablespace ' || quote_ident(s.spcname)
from pg_class c
join pg_tablespace s on s.oid = c.reltablespace
where
    (
        c.oid = any (%(tables)s::oid[])
        or c.oid in (select i.indexrelid from pg_index i where i.indrelid = any (%(tables)s::oid[]))
    )
    and not has_tablespace_privilege(s.oid, 'CREATE')
union all
select 'USAGE', 'schema ' || quote_ident(n.nspname)
from pg_namespace n
where
    n.oid in (select c.relnamespace from pg_class c where c.oid = any (%(tables)s::oid[]))
    and not has_schema_privilege(n.oid, 'USAGE')
union all
select 'OWNER', o.relation
from owner o
where not pg_has_role(o.oid, 'USAGE') or not pg_has_role(o.oid, %(give_away)s)
union all
-- an owner may have revoked rights from itself
select privilege, o.relation
from owner o
cross join unnest(
    array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
) as privilege
where
    pg_has_role(o.oid, 'USAGE') and not has_table_privilege(o.table_oid, privilege)
union all
-- the cutover puts the new table into the publications that name the old one
select distinct 'OWNER', 'publication ' || quote_ident(p.pubname)
from pg_publication p
join pg_publication_rel r on r.prpubid = p.oid
where r.prrelid = any (%(tables)s::oid[]) and not pg_has_role(p.pubowner, 'USAGE')
order by 1, 2
