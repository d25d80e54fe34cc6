-- name: preflight_tables
-- purpose: the oids of tables given by schema and name
select c.oid
from unnest(%(schemas)s::text[], %(names)s::text[]) as given (schema, name)
join pg_namespace n on n.nspname = given.schema
join pg_class c on c.relnamespace = n.oid and c.relname = given.name
