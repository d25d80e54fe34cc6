-- name: dependent_rights
-- purpose: rights without which views, rules and routines cannot be bound to other tables, and whose they are
-- CREATE OR REPLACE asks for CREATE in the schema too, OWNER TO asks for it in the name of the owner.
with dependent (name, owner, schema, made) as (
    select *
    from unnest(
        %(names)s::text[], %(owners)s::text[], %(schemas)s::text[], %(made)s::boolean[]
    )
)
select current_user::text as role, 'OWNER' as privilege, d.name as object
from dependent d
join pg_roles r on r.rolname = d.owner
where not pg_has_role(r.oid, 'USAGE') or d.made and not pg_has_role(r.oid, %(give_away)s)
union
select current_user::text, privilege, 'schema ' || quote_ident(d.schema)
from dependent d
join pg_namespace n on n.nspname = d.schema
cross join unnest(array['CREATE', 'USAGE']) as privilege
where not has_schema_privilege(n.oid, privilege)
union
select d.owner, 'CREATE', 'schema ' || quote_ident(d.schema)
from dependent d
join pg_namespace n on n.nspname = d.schema
join pg_roles r on r.rolname = d.owner
where
    d.made
    and not has_schema_privilege(r.oid, n.oid, 'CREATE')
    and not (select rolsuper from pg_roles where rolname = current_user)
order by 1, 2, 3
